import ApusIR

/// The extent of an axis of an exported value: a number, or a multiple of the open number of samples.
enum Extent: Hashable {
    case fixed(Int)
    case samples(factor: Int)

    var fixed: Int? { if case .fixed(let extent) = self { extent } else { nil } }
}

/// Where the number of samples stands in a graph, found by comparing it with the same graph for another number.
struct OpenBatch {
    let name: String
    /// The number in this graph and in the other.
    private let numbers: (Int, Int)
    private let types: [TensorType]
    /// The input and axis that tell the number when the model runs.
    let source: (input: String, axis: Int)

    init(_ name: String, _ graph: Graph, _ other: Graph) throws {
        func mistake(_ message: String, _ node: Node? = nil) -> OnnxError {
            OnnxError(
                .dimension, "\(message), so that the batch cannot be symbolic; export it with a fixed one",
                place: node?.location?.description ?? "")
        }
        guard graph.nodes.count == other.nodes.count, graph.results == other.results else {
            throw mistake("the graphs for two numbers of samples differ in structure")
        }
        var found: (numbers: (Int, Int), source: (String, Int))?
        for ((value, input), (_, theirs)) in zip(graph.inputs, other.inputs) {
            for (axis, pair) in zip(input.type.shape, theirs.type.shape).enumerated() where pair.0 != pair.1 {
                guard found == nil || found?.numbers ?? pair == pair else {
                    throw mistake("the input '\(input.name)' has other numbers of samples", graph[value])
                }
                found = found ?? (pair, (input.name, axis))
            }
        }
        guard let found else { throw mistake("no input has another extent in the second graph") }
        self.name = name
        numbers = found.numbers
        source = found.source
        types = other.nodes.map(\.type)
        for (mine, theirs) in zip(graph.nodes, other.nodes) {
            guard mine.operands == theirs.operands, mine.type.rank == theirs.type.rank,
                mine.type.element == theirs.type.element, Self.areAlike(mine, theirs)
            else { throw mistake("\(mine.operation.name) depends on the number of samples", mine) }
        }
        for value in graph.values {
            guard extents(of: value, in: graph) != nil else {
                throw mistake(
                    "the shape of \(graph[value].operation.name) is no multiple of the number of samples", graph[value])
            }
        }
    }

    /// Whether two operations differ in nothing but shapes that follow from the number of samples.
    private static func areAlike(_ a: Node, _ b: Node) -> Bool {
        if a.operation.isEqual(to: b.operation) { return true }
        switch (a.operation, b.operation) {
        case (let x as Input, let y as Input): return x.name == y.name
        case (is Reshape, is Reshape): return true
        case (let x as Broadcast, let y as Broadcast): return x.axes == y.axes
        case (let x as Constant, let y as Constant): return x.splat != nil && x.splat == y.splat
        case (let x as Iota, let y as Iota): return x.axis == y.axis && x.type.shape[x.axis] == y.type.shape[y.axis]
        case (let x as Slice, let y as Slice):
            // An axis with other limits is taken as a whole.
            return x.starts == y.starts && x.steps == y.steps
                && x.limits.indices.allSatisfy { axis in
                    x.limits[axis] == y.limits[axis]
                        || (x.starts[axis] == 0 && x.steps[axis] == 1 && x.limits[axis] == a.type.shape[axis]
                            && y.limits[axis] == b.type.shape[axis])
                }
        default: return false
        }
    }

    /// The extents of a value; nil if one is no multiple of the number of samples.
    func extents(of value: Value, in graph: Graph) -> [Extent]? {
        var result: [Extent] = []
        for (mine, theirs) in zip(graph[value].type.shape, types[value.index].shape) {
            if mine == theirs {
                result.append(.fixed(mine))
            } else if mine % numbers.0 == 0, theirs % numbers.1 == 0, mine / numbers.0 == theirs / numbers.1 {
                result.append(.samples(factor: mine / numbers.0))
            } else {
                return nil
            }
        }
        return result
    }
}
