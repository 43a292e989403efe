import ApusIR

/// Nodes that one kernel computes together.
package struct Cluster {
    package enum Kind: Hashable {
        /// Element-wise work and reductions along rows, over `rows` × `columns` elements.
        case rows(rows: Int, columns: Int)
        /// Reductions over the same axes of equally shaped operands.
        case columnReduction(shape: [Int], axes: [Int])
        /// A matmul, and element-wise work on its result that is done where it is computed: its epilogue.
        case matmul
        /// Attention, or gradients of one.
        case attention
        case scatter, sort
        /// A concatenation; the operands that are not written in place are copied.
        case concatenate
        /// What ranks do together; an operand that is not written in place is copied.
        case collective
    }
    package var kind: Kind
    package var members: [Value]
    /// Topological level: one more than the highest level that is read. Edges go from lower to higher levels only.
    package var level: Int
}

/// Groups the stored nodes of a graph into clusters.
///
/// A node joins the cluster of one of its operands if it reads that cluster's members at its own place only, and
/// everything else that it reads has a lower level. Since every edge between clusters goes to a strictly higher level,
/// there are no cycles.
package struct Clustering {
    package private(set) var clusters: [Cluster] = []
    /// Cluster of each stored value that is not a leaf.
    package private(set) var clusterOf: [Value: Int] = [:]
    /// For each stored value the clusters that read it or only come after it, and whether they read it at their own
    /// place only.
    package private(set) var readers: [Value: [(cluster: Int, isRead: Bool, isSamePlace: Bool)]] = [:]
    let graph: Graph
    private let placement: Placement
    /// What is computed once for many runs has clusters of its own.
    private let preparation: Preparation
    /// The parameter that each new value of one belongs to.
    private let updates: [Value: Value]
    /// Values whose clusters read a parameter.
    private var parameterReaders: [Value: [Value]] = [:]
    /// Clusters of column reductions, by their kind.
    private var columnReductions: [Cluster.Kind: [Int]] = [:]
    /// Clusters of copies, by what they copy to what.
    private var copyClusters: [CopyKind: [Int]] = [:]
    /// Clusters that others read.
    private var isRead: Set<Int> = []
    /// Members that have one element per row.
    private var rowMembers: Set<Value> = []

    private struct CopyKind: Hashable {
        var type: TensorType, sources: Set<Value>
    }

    /// How an element of a node reads a stored value.
    private enum AccessPattern {
        case same, row, other
        /// Not at all: the value only has to be there.
        case none

        /// The pattern of an access through a node that is itself accessed with `outer`.
        func seen(from outer: AccessPattern) -> AccessPattern {
            switch (outer, self) {
            case (.none, _), (_, .none): .none
            case (.same, let pattern), (let pattern, .same): pattern
            default: .other
            }
        }
    }

    private struct Reference: Hashable {
        var value: Value
        var pattern: AccessPattern
    }
    private let referencesOf: [[Reference]]

    package init(_ graph: Graph, _ placement: Placement, _ tuning: Tuning) {
        self.graph = graph
        self.placement = placement
        preparation = Preparation(graph, tuning)
        referencesOf = Self.references(graph, placement)
        var updates: [Value: Value] = [:]
        for result in graph.results {
            if case .update(let parameter) = result.kind { updates[result.value] = parameter }
        }
        self.updates = updates
        for value in graph.values {
            switch placement[value] {
            case .leaf, .inline: break
            case .loop: addLoop(value)
            case .columnReduction: addColumnReduction(value)
            case .matmul: addAlone(value, .matmul)
            case .attention: addAttention(value)
            case .scatter: addAlone(value, .scatter)
            case .sort: addAlone(value, .sort)
            case .concatenate: addAlone(value, .concatenate)
            case .collective: addAlone(value, .collective)
            }
            if let own = clusterOf[value] { noteReading(value, own) }
        }
        for (value, cluster) in clusterOf {
            for reference in references(of: value) {
                readers[reference.value, default: []].append(
                    (cluster, reference.pattern != .none, reference.pattern == .same))
            }
        }
    }

    /// Whether a cluster is computed once for many runs.
    package func isPrepared(_ number: Int) -> Bool { clusters[number].members.first.map(preparation.contains) ?? false }

    /// Whether a value may be computed together with a cluster: both in each run, or both once for many.
    private func goesWith(_ number: Int, _ value: Value) -> Bool {
        isPrepared(number) == preparation.contains(value)
    }

    private mutating func noteReading(_ value: Value, _ own: Int) {
        for reference in references(of: value) {
            if let other = clusterOf[reference.value] {
                if other != own { isRead.insert(other) }
            } else if graph[reference.value].operation is Parameter {
                parameterReaders[reference.value, default: []].append(value)
            }
        }
    }

    private mutating func addAlone(_ value: Value, _ kind: Cluster.Kind) {
        let level = 1 + (references(of: value).map { self.level(of: $0.value) }.max() ?? 0)
        clusterOf[value] = clusters.count
        clusters.append(Cluster(kind: kind, members: [value], level: level))
    }

    /// Attention and its log-sums are computed together, and gradients of the same attention are.
    private mutating func addAttention(_ value: Value) {
        let node = graph[value]
        let together = clusters.lastIndex { cluster in
            guard cluster.kind == .attention, let own = node.operation as? any AttentionOperation,
                let other = graph[cluster.members[0]].operation as? any AttentionOperation
            else { return false }
            return own.scores == other.scores && graph[cluster.members[0]].operands == node.operands
        }
        guard let together else { return addAlone(value, .attention) }
        clusters[together].members.append(value)
        clusterOf[value] = together
    }

    private func level(of value: Value) -> Int { clusterOf[value].map { clusters[$0].level } ?? 0 }

    private mutating func addColumnReduction(_ value: Value) {
        guard let reduce = graph[value].operation as? Reduce else { return }
        let kind = Cluster.Kind.columnReduction(shape: graph[graph[value].operands[0]].type.shape, axes: reduce.axes)
        let read = Set(references(of: value).map(\.value))
        let level = 1 + (read.map { self.level(of: $0) }.max() ?? 0)
        // Reductions that read the same large tensor share the pass over it.
        for number in columnReductions[kind, default: []].reversed() where clusters[number].level == level {
            let shared = clusters[number].members.contains { member in
                references(of: member).contains { read.contains($0.value) }
            }
            if shared, goesWith(number, value) {
                clusters[number].members.append(value)
                clusterOf[value] = number
                return
            }
        }
        columnReductions[kind, default: []].append(clusters.count)
        addAlone(value, kind)
    }

    private mutating func addLoop(_ value: Value) {
        let node = graph[value]
        let isReduction = node.operation.kind == .reduction
        let domain = isReduction ? graph[node.operands[0]].type.shape : node.type.shape
        let columns = domain.last ?? 1, rows = domain.dropLast().reduce(1, *)
        let references = references(of: value)
        let candidates = Set(references.compactMap { clusterOf[$0.value] }).sorted {
            (clusters[$0].level, $0) > (clusters[$1].level, $1)
        }

        if let part = addedPart(value), joinsEpilogue(value, part, references, mayWait: true) { return }
        for candidate in candidates where goesWith(candidate, value) {
            if clusters[candidate].kind == .matmul {
                if joinsEpilogue(value, candidate, references) { return }
                continue
            }
            guard case .rows(let candidateRows, let candidateColumns) = clusters[candidate].kind else { continue }
            let asFull = (rows, columns) == (candidateRows, candidateColumns)
            let asRow = !isReduction && node.type.count == candidateRows && candidateColumns > 1
            guard asFull || asRow else { continue }
            let level = clusters[candidate].level
            var merged: Set<Int> = []
            var isRowMember = isReduction
            let fits = references.allSatisfy { reference in
                guard let number = clusterOf[reference.value] else { return true }
                let other = clusters[number]
                if other.level < level { return true }
                guard other.level == level, other.kind == clusters[candidate].kind, goesWith(number, value) else {
                    return false
                }
                if number != candidate { merged.insert(number) }
                let isRow = rowMembers.contains(reference.value)
                switch reference.pattern {
                case .same where isRow:
                    isRowMember = true
                    return asRow || (asFull && columns == 1)
                case .same: return asFull
                case .row: return isRow && asFull
                case .other, .none: return false
                }
            }
            guard fits, !isRowMember || isReduction || asRow || columns == 1 else { continue }
            for other in merged { merge(other, into: candidate) }
            clusters[candidate].members.append(value)
            clusterOf[value] = candidate
            if isRowMember { rowMembers.insert(value) }
            return
        }
        if let together = copies(of: value) {
            clusters[together].members.append(value)
            clusterOf[value] = together
            return
        }
        addAlone(value, .rows(rows: rows, columns: columns))
        if isReduction { rowMembers.insert(value) }
        if node.operation is Copy {
            copyClusters[CopyKind(type: node.type, sources: Set(references.map(\.value))), default: []].append(
                clusters.count - 1)
        }
    }

    /// The most copies of one pass: all of them are in memory at once.
    private static let mostCopies = 16

    /// The cluster of copies that a copy shares the pass over their source with: of equal shape, such as the phases of
    /// an image. One that has another order of axes is better off alone, transposed in registers.
    private func copies(of value: Value) -> Int? {
        let node = graph[value]
        guard node.operation is Copy, !isReordered(node.operands[0]) else { return nil }
        let sources = Set(references(of: value).map(\.value))
        let level = 1 + (sources.map { self.level(of: $0) }.max() ?? 0)
        return copyClusters[CopyKind(type: node.type, sources: sources), default: []].last { number in
            let members = clusters[number].members
            return clusters[number].level == level && (1..<Self.mostCopies).contains(members.count)
                && members.allSatisfy { graph[$0].operation is Copy && !isReordered(graph[$0].operands[0]) }
        }
    }

    /// Whether a value that is computed where it is read has another order of axes than what it is computed from.
    private func isReordered(_ value: Value) -> Bool {
        guard !placement.isStored(value) else { return false }
        return graph[value].operation.kind == .view(.order) || graph[value].operands.contains { isReordered($0) }
    }

    /// The cluster of the last part of a long contraction that a node adds to the sum of those before; nil if it does
    /// not.
    private func addedPart(_ value: Value) -> Int? {
        let node = graph[value]
        guard node.operation is Add, case let (sum, last) = (graph[node.operands[0]], node.operands[1]),
            let dot = graph[last].operation as? Dot,
            // The sum is the first part, or one of this kind itself.
            (sum.operation is Add ? graph[sum.operands[1]] : sum).operation as? Dot == dot,
            let part = clusterOf[last], clusters[part].members == [last], !isRead.contains(part), goesWith(part, value)
        else { return nil }
        return part
    }

    /// Adds a node to the epilogue of a matmul if it works on the matmul's elements where they are computed.
    ///
    /// - Parameter mayWait: Whether the matmul may come later, after all else that the node reads.
    private mutating func joinsEpilogue(
        _ value: Value, _ candidate: Int, _ references: [Reference], mayWait: Bool = false
    ) -> Bool {
        let matmul = clusters[candidate].members[0], node = graph[value]
        var level = clusters[candidate].level
        guard !graph.usesLibrary(matmul), node.operation.kind != .reduction,
            node.type.count == graph[matmul].type.count,
            node.type.shape.last == graph[matmul].type.shape.last
        else { return false }
        let fits = references.allSatisfy { reference in
            guard let number = clusterOf[reference.value] else { return true }
            return number == candidate ? reference.pattern == .same : mayWait || clusters[number].level < level
        }
        guard fits else { return false }
        let others = references.compactMap { clusterOf[$0.value] }.filter { $0 != candidate }
        level = max(level, 1 + (others.map { clusters[$0].level }.max() ?? 0))
        clusters[candidate].level = level
        if let parameter = updates[value] {
            // Who still reads the old value comes first.
            let readers = parameterReaders[parameter, default: []].compactMap { clusterOf[$0] }.filter {
                $0 != candidate
            }
            let needed = 1 + (readers.map { clusters[$0].level }.max() ?? 0)
            if needed > level {
                guard !isRead.contains(candidate) else { return false }
                clusters[candidate].level = needed
            }
        }
        clusters[candidate].members.append(value)
        clusterOf[value] = candidate
        return true
    }

    private mutating func merge(_ other: Int, into target: Int) {
        for member in clusters[other].members { clusterOf[member] = target }
        clusters[target].members += clusters[other].members
        clusters[target].members.sort()
        clusters[other].members = []
    }

    /// The stored values that a node reads, through whatever is computed inside it, and with which access pattern.
    private func references(of value: Value) -> [Reference] { referencesOf[value.index] }

    /// The same for all nodes, each from those of its operands.
    private static func references(_ graph: Graph, _ placement: Placement) -> [[Reference]] {
        var all: [[Reference]] = []
        all.reserveCapacity(graph.nodes.count)
        for node in graph.nodes {
            var found: [Reference] = [], known: Set<Reference> = []
            let readPattern = operandPattern(node, graph)
            for (number, operand) in node.operands.enumerated() {
                let pattern = number < node.readOperands.endIndex ? readPattern : .none
                let read =
                    placement.isStored(operand) ? [Reference(value: operand, pattern: .same)] : all[operand.index]
                for reference in read {
                    let seen = Reference(value: reference.value, pattern: reference.pattern.seen(from: pattern))
                    if known.insert(seen).inserted { found.append(seen) }
                }
            }
            all.append(found)
        }
        return all
    }

    /// The pattern with which a node reads its operands.
    private static func operandPattern(_ node: Node, _ graph: Graph) -> AccessPattern {
        switch node.operation.kind {
        case .repetition:
            (node.operation as? Broadcast).map { repeatsRows($0, graph[node.operands[0]].type.shape) } ?? false
                ? .row : .other
        // A reduction's operand spans its domain; what has a cluster of its own reads nobody else's members.
        case .elementwise, .copy, .view(.shape), .view(.barrier), .reduction, .sort, .scatter, .join, .collective: .same
        case .leaf, .generated, .view(.order), .view(.part), .lookup, .contraction, .attention, .composite: .other
        }
    }

    /// Whether a broadcast repeats each element of its operand along the last axis, and does nothing else.
    private static func repeatsRows(_ broadcast: Broadcast, _ source: [Int]) -> Bool {
        var extents = [Int](repeating: 1, count: broadcast.shape.count)
        for (axis, extent) in zip(broadcast.axes, source) { extents[axis] = extent }
        return Array(extents.dropLast()) == Array(broadcast.shape.dropLast()) && extents.last == 1
    }
}
