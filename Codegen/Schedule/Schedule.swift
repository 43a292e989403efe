import ApusIR
import ApusRuntime

/// What a graph becomes: steps in order, and the buffers that they work on. Printable, and independent of the machine.
package struct Schedule {
    package struct ScheduledStep {
        package enum Work {
            case kernel(KernelCall)
            /// A matmul whose locations name buffers: `byteOffset` counts within the buffer of that number.
            case matmul(Matmul, a: Int, b: Int, c: Int)
            /// The order of each row; rows of the source, whose locations name buffers, lie `rowStride` elements apart.
            case sort(Sort, source: Int, result: Int)
            /// What ranks do together, whose location names the buffer, begins; from here to its end nobody else
            /// touches that.
            case begin(Collective, Int)
            /// The collective of this number has come to its end.
            case finish(Collective, Int)
        }
        package var name: String
        package var work: Work
        /// The layer that declared what is computed.
        package var path = ""
        package var floatingPointOperations = 0

        /// The buffers that the step touches.
        package var buffers: [Int] {
            switch work {
            case .kernel(let call): call.buffers
            case .matmul(_, let a, let b, let c): [a, b, c]
            case .sort(_, let source, let result): [source, result]
            case .begin(_, let buffer), .finish(_, let buffer): [buffer]
            }
        }
    }

    package private(set) var graph: Graph
    package private(set) var steps: [ScheduledStep] = []
    /// How many of the steps, the first ones, compute what depends on weights alone.
    package private(set) var preparationCount = 0
    package private(set) var layout: Layout
    /// Numbers of the constants that kernels read.
    package private(set) var constants: [[UInt8]] = []
    package let placement: Placement
    package let clustering: Clustering
    /// Updates that are written over the parameter at once; the others are copied at the end.
    private let updatedInPlace: [Value: Value]
    /// Where the numbers of streams lie that attention draws from.
    private var streamBuffers: [Int: Int] = [:]
    private let tuning: Tuning

    /// Schedules a legal graph whose matmuls can read their operands, or have them stored.
    package init(_ graph: Graph, _ tuning: Tuning) throws {
        (self.graph, self.tuning) = (graph, tuning)
        placement = Self.placed(graph, tuning).placement
        clustering = Clustering(graph, placement, tuning)
        updatedInPlace = Self.safeUpdates(graph, placement, clustering)
        layout = Layout(graph, placement, updatedInPlace: updatedInPlace, tuning)
        let constantBuffers = addConstants()
        addStreams()
        let order = executionOrder()
        let kernels = ClusterKernels(surroundings(constantBuffers), isNeeded: neededOutside())
        var collectives = Collectives(graph, clustering)
        for number in order {
            let cluster = clustering.clusters[number], path = graph[cluster.members[0]].location?.path ?? ""
            steps += collectives.ends(before: number)
            for var step in try scheduledSteps(of: cluster, kernels) {
                step.path = path
                steps.append(step)
            }
            if clustering.isPrepared(number) { preparationCount = steps.count }
            if cluster.kind == .collective {
                steps.append(collectives.begin(cluster.members[0], in: layout[cluster.members[0]], path))
            }
        }
        steps += collectives.remainingEnds()
        for result in graph.results {
            guard case .update(let parameter) = result.kind, updatedInPlace[result.value] != parameter else { continue }
            let call = try kernels.copy(result.value, to: layout[parameter])
            steps.append(ScheduledStep(name: "copy", work: .kernel(call)))
        }
    }

    // MARK: Decisions

    /// Where values are computed. Operands of the library's matmuls and of attention that cannot be read where they lie
    /// are stored: if they are views of something that is computed, that is stored once for all views of it; otherwise
    /// the operand itself, contiguously. What attention reads may also be repeated along its batch.
    ///
    /// The layout that comes with it is the one before anything is updated in place.
    static func placed(_ graph: Graph, _ tuning: Tuning) -> (placement: Placement, layout: Layout) {
        var placement = Placement(graph, tuning)
        while true {
            // What this round stores has no place in its layout yet.
            let current = placement
            let layout = Layout(graph, current, updatedInPlace: [:], tuning)
            var isChanged = false
            for value in graph.values where current[value] == .attention || graph.usesLibrary(value) {
                for (side, operand) in graph[value].operands.enumerated() where !current.isStored(operand) {
                    let view = graph.view(of: operand, isStored: current.isStored) {
                        (layout[$0].offset, layout[$0].strides)
                    }
                    if let view {
                        let isReadable =
                            current[value] == .attention
                            ? view.strides.last == 1
                            : MatmulShape(graph, value).matrix(side, strides: view.strides) != nil
                        if isReadable { continue }
                    }
                    let isAttention = current[value] == .attention
                    placement.store(
                        view == nil ? computedSource(of: operand, graph, current, isRepeated: isAttention) : operand)
                    isChanged = true
                }
            }
            if !isChanged { return (placement, layout) }
        }
    }

    /// The first value behind a chain of views, and perhaps of repetitions, that is none itself; the operand, if that
    /// is stored already.
    private static func computedSource(
        of operand: Value, _ graph: Graph, _ placement: Placement, isRepeated: Bool
    ) -> Value {
        var value = operand
        while graph[value].operation.kind.isView || isRepeated && graph[value].operation.kind == .repetition {
            value = graph[value].operands[0]
        }
        return placement.isStored(value) ? operand : value
    }

    /// Updates whose new value may overwrite the old one while the step that computes it runs: everybody else has read
    /// it by then.
    private static func safeUpdates(_ graph: Graph, _ placement: Placement, _ clustering: Clustering) -> [Value: Value]
    {
        let readers = clustering.readers
        var safe: [Value: Value] = [:]
        for result in graph.results {
            guard case .update(let parameter) = result.kind, safe[result.value] == nil,
                let own = clustering.clusterOf[result.value],
                placement[result.value] == .loop
            else { continue }
            let cluster = clustering.clusters[own]
            let hasReduction = cluster.members.contains { graph[$0].operation.kind == .reduction }
            let isSafe = readers[parameter, default: []].allSatisfy { reader in
                reader.cluster == own
                    ? reader.isSamePlace && !hasReduction : clustering.clusters[reader.cluster].level < cluster.level
            }
            if isSafe { safe[result.value] = parameter }
        }
        return safe
    }

    private func neededOutside() -> (Value) -> Bool {
        var needed = Set(graph.results.map(\.value))
        for (value, readers) in clustering.readers
        where readers.contains(where: { $0.isRead && $0.cluster != clustering.clusterOf[value] }) {
            needed.insert(value)
        }
        return { needed.contains($0) }
    }

    // MARK: Order

    /// Clusters in the order of execution: operands first; of those that are ready, what is computed once for many
    /// runs, then updates of parameters at once, since they set a gradient's memory free, and the others in the order
    /// of the graph.
    ///
    /// Collectives begin as soon as their operands are there, and what waits for one comes after all that does not, so
    /// that there is work while numbers travel.
    private func executionOrder() -> [Int] {
        let clusters = clustering.clusters
        var successors = [Set<Int>](repeating: [], count: clusters.count)
        let readers = clustering.readers
        for (value, list) in readers {
            guard let producer = clustering.clusterOf[value] else { continue }
            for reader in list where reader.cluster != producer { successors[producer].insert(reader.cluster) }
        }
        for (value, parameter) in updatedInPlace {
            guard let updater = clustering.clusterOf[value] else { continue }
            for reader in readers[parameter, default: []] where reader.cluster != updater {
                successors[reader.cluster].insert(updater)
            }
        }
        var waiting = [Int](repeating: 0, count: clusters.count)
        for list in successors { for successor in list { waiting[successor] += 1 } }
        let updaters = Set(updatedInPlace.keys.compactMap { clustering.clusterOf[$0] })
        let awaited = awaitedCollectives(successors, waiting)
        func priority(_ number: Int) -> Priority {
            let place =
                clusters[number].kind == .collective
                ? -2 : updaters.contains(number) ? -1 : clusters[number].members.last?.index ?? -1
            return Priority(
                preparation: clustering.isPrepared(number) ? 0 : 1, awaitedSum: awaited[number], place: place)
        }
        var ready = PriorityQueue()
        for number in clusters.indices where waiting[number] == 0 && !clusters[number].members.isEmpty {
            ready.push(number, priority(number))
        }
        var order: [Int] = []
        while let number = ready.pop() {
            order.append(number)
            for successor in successors[number] {
                waiting[successor] -= 1
                if waiting[successor] == 0 { ready.push(successor, priority(successor)) }
            }
        }
        return order
    }

    /// For each cluster the last of the collectives that it waits for, by the place in the graph; −1 for none.
    private func awaitedCollectives(_ successors: [Set<Int>], _ waiting: [Int]) -> [Int] {
        var awaited = [Int](repeating: -1, count: successors.count), waiting = waiting
        var ready = waiting.indices.filter { waiting[$0] == 0 }
        while let number = ready.popLast() {
            let cluster = clustering.clusters[number]
            let last = cluster.kind == .collective ? max(awaited[number], cluster.members[0].index) : awaited[number]
            for successor in successors[number] {
                awaited[successor] = max(awaited[successor], last)
                waiting[successor] -= 1
                if waiting[successor] == 0 { ready.append(successor) }
            }
        }
        return awaited
    }

    // MARK: Steps

    private func scheduledSteps(of cluster: Cluster, _ kernels: ClusterKernels) throws -> [ScheduledStep] {
        func step(_ call: KernelCall) -> ScheduledStep {
            ScheduledStep(name: call.name, work: .kernel(call), floatingPointOperations: call.floatingPointOperations)
        }
        switch cluster.kind {
        case .rows: return [step(try kernels.rows(cluster.members.sorted()))]
        case .columnReduction(let shape, let axes):
            return [step(try kernels.columnReduction(cluster.members, shape: shape, axes: axes))]
        case .scatter: return [step(try kernels.scatter(cluster.members[0]))]
        case .matmul:
            return [
                try graph.usesLibrary(cluster.members[0])
                    ? libraryMatmul(cluster.members[0]) : generatedMatmul(cluster.members.sorted(), kernels)
            ]
        case .sort: return [try sort(cluster.members[0])]
        case .attention: return [step(try attention(cluster.members.sorted()))]
        case .concatenate: return try copies(cluster.members[0], kernels).map(step)
        case .collective:
            let operand = graph[cluster.members[0]].operands[0]
            guard !layout.isWrittenInPlace.contains(operand) else { return [] }
            return [step(try kernels.copy(operand, to: layout.operandStorage(of: cluster.members[0])))]
        }
    }

    private func sort(_ value: Value) throws -> ScheduledStep {
        let source = graph[value].operands[0], shape = graph[source].type.shape, storage = layout[source]
        // Rows may have a gap behind each, where matmuls read them too.
        guard storage.strides.last == 1 || shape.last == 1,
            let step = mergedStride(Array(shape.dropLast()), Array(storage.strides.dropLast()))
        else {
            throw GraphError(
                .unsupported, operation: ArgSort.name, "the operand cannot be read", location: graph[value].location)
        }
        let width = shape.last ?? 1
        func location(_ storage: Storage) -> Location {
            Location(.arena, byteOffset: storage.offset * ElementType.f32.byteCount)
        }
        let rows = graph[value].type.count / width
        let sort = Sort(
            source: location(storage), result: location(layout[value]), rows: rows, width: width,
            rowStride: rows > 1 ? step : width)
        return ScheduledStep(name: "argsort", work: .sort(sort, source: storage.buffer, result: layout[value].buffer))
    }

    /// Copies of the operands of a concatenation that are not written in place.
    private func copies(_ value: Value, _ kernels: ClusterKernels) throws -> [KernelCall] {
        guard let concatenate = graph[value].operation as? Concatenate else { return [] }
        var storage = layout[value], calls: [KernelCall] = []
        for operand in graph[value].operands {
            if !layout.isWrittenInPlace.contains(operand) { calls.append(try kernels.copy(operand, to: storage)) }
            storage.offset += graph[operand].type.shape[concatenate.axis] * storage.strides[concatenate.axis]
        }
        return calls
    }

    private func generatedMatmul(_ members: [Value], _ kernels: ClusterKernels) throws -> ScheduledStep {
        let value = members[0], location = graph[value].location
        guard let orientation = MatmulOrientation(graph, value, layout) else {
            throw GraphError(.unsupported, operation: Dot.name, "the result cannot be written", location: location)
        }
        guard let left = orientation.left(graph, value, placement, layout, tuning) else {
            throw GraphError(
                .unsupported, operation: Dot.name, "operand \(orientation.leftSide) cannot be read", location: location)
        }
        let call = try kernels.matmul(
            members, orientation.shape, isTransposed: orientation.isTransposed, left: left, result: orientation.result)
        return ScheduledStep(
            name: call.name, work: .kernel(call), floatingPointOperations: call.floatingPointOperations)
    }

    private func attention(_ members: [Value]) throws -> KernelCall {
        let node = graph[members[0]], shapes = node.operands.map { graph[$0].type.shape }, rank = shapes[0].count
        func matrix(_ offset: Int, _ strides: [Int]) -> AttentionKernel.Matrix {
            AttentionKernel.Matrix(
                offset: offset, rowStride: strides[rank - 2], batchStrides: Array(strides.dropLast(2)))
        }
        /// A number of each row.
        func column(_ offset: Int, _ strides: [Int]) -> AttentionKernel.Matrix {
            AttentionKernel.Matrix(
                offset: offset, rowStride: strides[rank - 2], batchStrides: Array(strides.dropLast()))
        }
        guard let operation = node.operation as? any AttentionOperation else {
            throw GraphError(.unsupported, operation: node.operation.name, "is no attention", location: node.location)
        }
        let (matrices, numbers) = (type(of: operation).matrixCount, type(of: operation).operandCount)
        let scores = operation.scores
        var operands: [AttentionKernel.Matrix] = [], logSums: AttentionKernel.Matrix?, mask: AttentionKernel.Mask?
        var dropout: AttentionKernel.Dropout?
        var buffers: [Int] = []
        for (side, operand) in node.operands.enumerated() {
            guard
                let view = graph.view(
                    of: operand, isStored: placement.isStored, storage: { (layout[$0].offset, layout[$0].strides) }),
                view.strides.last == 1 || shapes[side].last == 1
            else {
                throw GraphError(
                    .unsupported, operation: node.operation.name, "operand \(side) cannot be read",
                    location: node.location)
            }
            buffers.append(layout[view.base].buffer)
            if side < matrices {
                operands.append(matrix(view.offset, view.strides))
                continue
            }
            if side < numbers {
                logSums = column(view.offset, view.strides)
                continue
            }
            if let how = scores.dropout, let stream = streamBuffers[how.stream], side == node.operands.count - 1 {
                dropout = AttentionKernel.Dropout(
                    threshold: how.threshold, factor: how.factor, keyOffset: view.offset)
                buffers.append(stream)
                continue
            }
            // Along an axis of 1, all scores have the same.
            let strides = zip(shapes[side], view.strides).map { $0 == 1 ? 0 : $1 }
            mask = AttentionKernel.Mask(
                element: graph[operand].type.element, matrix: matrix(view.offset, strides),
                columnStride: strides[rank - 1])
        }
        let results = members.map { member in
            let (offset, strides) = (layout[member].offset, layout[member].strides)
            return switch graph[member].operation {
            case let gradient as AttentionGradient:
                AttentionKernel.Result(quantity: .gradient(gradient.part), matrix: matrix(offset, strides))
            case is AttentionLogSum: AttentionKernel.Result(quantity: .logSum, matrix: column(offset, strides))
            default: AttentionKernel.Result(quantity: .value, matrix: matrix(offset, strides))
            }
        }
        let kernel = AttentionKernel(
            batch: Array(shapes[0].dropLast(2)), n: shapes[0][rank - 2], m: shapes[1][rank - 2], d: shapes[0][rank - 1],
            e: shapes[2][rank - 1],
            scale: scores.scale, isCausal: scores.isCausal, element: graph[node.operands[0]].type.element,
            operands: operands, logSums: logSums, mask: mask, dropout: dropout, results: results)
        return KernelCall(
            kernel: .attention(kernel), buffers: buffers + members.map { layout[$0].buffer }, count: 0,
            elementsPerUnit: 0,
            name: "\(node.operation.name) \(kernel.heads)x\(kernel.n)x\(kernel.m)x\(kernel.d)", bytes: kernel.bytes,
            floatingPointOperations: kernel.floatingPointOperations)
    }

    private func libraryMatmul(_ value: Value) throws -> ScheduledStep {
        let shape = MatmulShape(graph, value), node = graph[value]
        var matrices: [(matrix: Matmul.Matrix, buffer: Int)] = []
        for (side, operand) in node.operands.enumerated() {
            guard
                let view = graph.view(
                    of: operand, isStored: placement.isStored, storage: { (layout[$0].offset, layout[$0].strides) }),
                var matrix = shape.matrix(side, strides: view.strides)
            else {
                throw GraphError(
                    .unsupported, operation: Dot.name, "operand \(side) cannot be read", location: node.location)
            }
            matrix.location.byteOffset = view.offset * node.type.element.byteCount
            matrices.append((matrix, layout[view.base].buffer))
        }
        guard var result = shape.result(strides: layout[value].strides) else {
            throw GraphError(.unsupported, operation: Dot.name, "the result cannot be written", location: node.location)
        }
        result.location.byteOffset = layout[value].offset * node.type.element.byteCount
        var matmul = Matmul(
            m: shape.m, n: shape.n, k: shape.k, batch: shape.batch, a: matrices[0].matrix, b: matrices[1].matrix,
            c: result)
        var (a, b) = (matrices[0].buffer, matrices[1].buffer)
        if !matmul.writesRows {
            matmul = matmul.transposed
            swap(&a, &b)
        }
        return ScheduledStep(
            name: "library matmul \(matmul.batchCount)x\(matmul.m)x\(matmul.n)x\(matmul.k)",
            work: .matmul(matmul, a: a, b: b, c: layout[value].buffer),
            floatingPointOperations: 2 * matmul.batchCount * matmul.m * matmul.n * matmul.k)
    }

    private func surroundings(_ constantBuffers: [Value: Int]) -> KernelBuilder.Surroundings {
        let (placement, layout) = (placement, layout)
        return KernelBuilder.Surroundings(
            graph: graph, isStored: { placement.isStored($0) }, storage: { layout[$0] },
            constantBuffer: { constantBuffers[$0]! })
    }

    /// Numbers of the streams that attention draws from.
    private mutating func addStreams() {
        for case let operation as any AttentionOperation in graph.nodes.lazy.map(\.operation) {
            guard let stream = operation.scores.dropout?.stream, streamBuffers[stream] == nil else { continue }
            streamBuffers[stream] = layout.add(.constants(constants.count), 4)
            constants.append(withUnsafeBytes(of: UInt32(stream)) { Array($0) })
        }
    }

    private mutating func addConstants() -> [Value: Int] {
        var buffers: [Value: Int] = [:]
        for value in graph.values {
            guard let constant = graph[value].operation as? Constant, constant.splat == nil else { continue }
            let data = TensorData(HostTensor(constant.type, constant.values))
            buffers[value] = layout.add(.constants(constants.count), constant.type.byteCount)
            constants.append(data.withBytes { Array($0) })
        }
        return buffers
    }
}
