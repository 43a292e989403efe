import ApusIR

/// The forward pass of a training step, cut where little flows through it: between the blocks of a transformer.
///
/// What the backward pass reads of the segments between the cuts can be computed again from what flows into them
/// instead of being kept (Chen et al. 2016): all of it, or what is cheap for the memory it takes, since a block of a
/// transformer has matmuls of a few operations per byte, and attention of ten times as many (Korthikanti et al. 2022).
public struct RecomputationPlan {
    /// Nodes of the forward pass that lie between two cuts.
    public struct Segment: Hashable, Sendable {
        /// Their places in the graph.
        public var nodes: Range<Int>
        /// The most operations per byte of its result that a matmul or attention may take to be computed again.
        public var highestPrice = Double.infinity
    }
    /// Segments of the forward pass in order.
    public private(set) var segments: [Segment] = []
    private let graph: Graph
    /// The first node of the backward pass: where most has to be kept.
    let end: Int
    /// The last node of the forward pass that reads each value, and whether one of the backward pass does.
    private var lastForwardUse: [Int]
    private var isReadBackward: [Bool]
    /// Values that are always at hand, or cost nothing: parameters, constants, views of them.
    private let isFree: [Bool]
    let isBehindMatmuls: [Bool]

    /// A cut is a minimum of live bytes that the maxima on both sides exceed by this factor at least: 2 tells the
    /// residual alone from the residual with its normalised rows.
    private static let prominence = 2.0

    /// A plan of a graph in which nothing is computed again yet.
    public init(_ graph: Graph) {
        self.graph = graph
        isBehindMatmuls = graph.valuesBehindMatmuls()
        isFree = Self.free(graph)
        end = Self.peak(graph, isBehindMatmuls, isFree)
        lastForwardUse = [Int](repeating: -1, count: graph.nodes.count)
        isReadBackward = [Bool](repeating: false, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            for operand in node.operands {
                if index < end { lastForwardUse[operand.index] = index } else { isReadBackward[operand.index] = true }
            }
        }
        for result in graph.results { lastForwardUse[result.value.index] = end }
        // Who reads a view reads what it shows.
        for value in graph.values.reversed() where graph.isView(value) {
            for operand in graph[value].operands {
                lastForwardUse[operand.index] = max(lastForwardUse[operand.index], lastForwardUse[value.index])
            }
        }
        segments = cut()
    }

    /// Choices of what is computed again: at first what is no matmul, then more and more of the matmuls, the cheapest
    /// for what they save first, then longer and longer segments.
    public var choices: [[Segment]] {
        var chosen = segments.map { Segment(nodes: $0.nodes, highestPrice: 0) }, choices = [chosen]
        let prices = Set(segments.flatMap { again(in: $0) }.map(price)).subtracting([0]).sorted()
        for price in prices {
            let next = segments.map { Segment(nodes: $0.nodes, highestPrice: price) }
            let byPrice = segments.indices.map { (number: $0, price: self.price(from: chosen[$0], to: next[$0])) }
                .filter { $0.price < .infinity }.sorted { ($0.price, $0.number) < ($1.price, $1.number) }
            for (number, _) in byPrice {
                chosen[number] = next[number]
                choices.append(chosen)
            }
        }
        var joined = segments
        while joined.count > 2 {
            joined = stride(from: 0, to: joined.count, by: 2).map {
                let last = joined[min($0 + 1, joined.count - 1)].nodes
                return Segment(nodes: joined[$0].nodes.lowerBound..<last.upperBound)
            }
            choices.append(joined)
        }
        return choices
    }

    /// Operations per byte of the result of a matmul or attention; 0 for everything else.
    private func price(_ value: Value) -> Double {
        Double(graph.floatingPointOperations(of: value)) / Double(max(1, graph[value].type.byteCount))
    }

    /// Operations per byte that need not be kept, of computing more of a segment again; infinite if that saves nothing.
    private func price(from less: Segment, to more: Segment) -> Double {
        func operations(_ segment: Segment) -> Int {
            again(in: segment).reduce(0) { $0 + graph.floatingPointOperations(of: $1) }
        }
        let bytes = saved(in: more) - saved(in: less)
        return bytes > 0 ? Double(operations(more) - operations(less)) / Double(bytes) : .infinity
    }

    /// Whether a value is kept although its segment is computed again.
    func isKept(_ value: Value, in segment: Segment) -> Bool {
        lastForwardUse[value.index] >= segment.nodes.upperBound || isFree[value.index] || isSmall(value)
            || price(value) > segment.highestPrice
    }

    /// A reduction of something large, or an order: small, and all of its operand would have to be there to compute it
    /// again, as for log-sums of attention. Nor is a sum over ranks sent twice.
    private func isSmall(_ value: Value) -> Bool {
        let node = graph[value]
        return node.operation.kind == .reduction || node.operation.kind == .sort || node.operation.kind == .collective
            || node.operation is RandomUniform || node.operation is AttentionLogSum
    }

    /// What is computed again for the backward pass.
    func again(in segment: Segment) -> [Value] {
        var isNeeded: Set<Value> = []
        for index in segment.nodes.reversed() where isReadBackward[index] || isNeeded.contains(Value(index)) {
            guard !isKept(Value(index), in: segment) else { continue }
            isNeeded.insert(Value(index))
            for operand in graph.nodes[index].operands where segment.nodes.contains(operand.index) {
                isNeeded.insert(operand)
            }
        }
        return isNeeded.filter { !isKept($0, in: segment) }.sorted()
    }

    /// Bytes of matmuls and attention that need not be kept.
    func saved(in segment: Segment) -> Int {
        again(in: segment).reduce(0) { $0 + (graph.floatingPointOperations(of: $1) > 0 ? graph[$1].type.byteCount : 0) }
    }

    /// Cuts where less flows than shortly before and after.
    private func cut() -> [Segment] {
        var flow = [Int](repeating: 0, count: end + 2)
        for value in graph.values where value.index < end && !isFree[value.index] && !graph.isView(value) {
            let last = min(lastForwardUse[value.index], end - 1)
            guard last > value.index else { continue }
            flow[value.index + 1] += graph[value].type.byteCount
            flow[last + 1] -= graph[value].type.byteCount
        }
        var cuts: [Int] = [], now = 0, low = (place: 0, bytes: 0), high = 0, isFalling = true
        for place in 0..<end {
            now += flow[place]
            if isFalling, now < low.bytes {
                low = (place, now)
            } else if isFalling, Double(now) > Self.prominence * Double(low.bytes) {
                cuts.append(low.place)
                (isFalling, high) = (false, now)
            } else if !isFalling {
                high = max(high, now)
                if Double(now) * Self.prominence < Double(high) { (isFalling, low) = (true, (place, now)) }
            }
        }
        return zip(cuts, cuts.dropFirst() + [end]).map { Segment(nodes: $0..<$1) }
    }

    /// The place in a graph's order at which most bytes have to be there.
    private static func peak(_ graph: Graph, _ isBehindMatmuls: [Bool], _ isFree: [Bool]) -> Int {
        var last = [Int](repeating: -1, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() { for operand in node.operands { last[operand.index] = index } }
        var change = [Int](repeating: 0, count: graph.nodes.count + 1)
        for value in graph.values
        where last[value.index] > value.index && !isFree[value.index] && !isBehindMatmuls[value.index]
            && !graph.isView(value)
        {
            change[value.index] += graph[value].type.byteCount
            change[last[value.index]] -= graph[value].type.byteCount
        }
        var now = 0, peak = (place: 0, bytes: 0)
        for place in graph.nodes.indices {
            now += change[place]
            if now > peak.bytes { peak = (place, now) }
        }
        return peak.place
    }

    private static func free(_ graph: Graph) -> [Bool] {
        var isFree = [Bool](repeating: false, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            isFree[index] = node.operands.allSatisfy { isFree[$0.index] } && node.operation.kind != .contraction
        }
        return isFree
    }
}

extension Graph {
    /// Whether a node only shows its operand in another way.
    fileprivate func isView(_ value: Value) -> Bool {
        let kind = self[value].operation.kind
        return kind.isView || kind == .repetition
    }

    /// Operations of matmuls and attention; 0 for everything else.
    func floatingPointOperations(of value: Value) -> Int {
        let node = self[value]
        switch node.operation {
        case let dot as Dot:
            return dot.floatingPointOperations(self[node.operands[0]].type, self[node.operands[1]].type)
        case is Attention:
            let (q, k, v) = (self[node.operands[0]].type, self[node.operands[1]].type, self[node.operands[2]].type)
            return 2 * (q.count + node.type.count) * (k.count / q.shape[q.rank - 1])
                / (v.count / v.shape.suffix(2).reduce(1, *))
        default: return 0
        }
    }

    /// Which values go into no matmul any more: gradients of weights, and the updates that are made of them.
    func valuesBehindMatmuls() -> [Bool] {
        var isBehind = [Bool](repeating: true, count: nodes.count)
        for node in nodes.indices.reversed().lazy.map({ (index: $0, node: nodes[$0]) }) {
            guard node.node.operation.kind.isMultiplication || !isBehind[node.index] else { continue }
            for operand in node.node.operands { isBehind[operand.index] = false }
        }
        return isBehind
    }
}
