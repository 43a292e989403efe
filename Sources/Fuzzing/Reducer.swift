import ApusIR
import ApusTransforms

/// Makes a graph smaller as long as something about it stays true: delta debugging (Zeller, Hildebrandt 2002) with
/// steps that know graphs.
///
/// Results are dropped, nodes become leaves or give way to one of their operands, and extents shrink, until no step is
/// possible or enough have been tried.
public struct Reducer {
    private let isInteresting: (Graph) -> Bool
    /// Graphs that are tried at most.
    private let limit: Int

    public init(limit: Int = 1_500, isInteresting: @escaping (Graph) -> Bool) {
        self.limit = limit
        self.isInteresting = isInteresting
    }

    /// The smallest graph found; the graph itself if nothing can go.
    public func reduced(_ graph: Graph) -> Graph {
        var search = Search(graph, limit: limit, isInteresting)
        search.run()
        return search.graph
    }
}

private struct Search {
    private(set) var graph: Graph
    private var left: Int
    private let isInteresting: (Graph) -> Bool

    init(_ graph: Graph, limit: Int, _ isInteresting: @escaping (Graph) -> Bool) {
        self.graph = graph
        left = limit
        self.isInteresting = isInteresting
    }

    mutating func run() {
        var before: Graph
        repeat {
            before = graph
            dropResults()
            moveResultsUp()
            cutNodes()
            shrinkExtents()
        } while graph != before && left > 0
    }

    /// Takes a candidate if it is a smaller or simpler graph that is still interesting.
    private mutating func accept(_ candidate: Graph?) -> Bool {
        guard left > 0, let candidate, !candidate.results.isEmpty, let pruned = try? pruned(candidate), pruned != graph,
            (try? pruned.verify()) != nil
        else { return false }
        left -= 1
        guard isInteresting(pruned) else { return false }
        graph = pruned
        return true
    }

    /// Without nodes that no result needs, inputs and parameters among them.
    private func pruned(_ graph: Graph) throws -> Graph {
        var used = Set(graph.nodes.flatMap(\.operands))
        for result in graph.results {
            used.insert(result.value)
            if case .update(let parameter) = result.kind { used.insert(parameter) }
        }
        let clean = try Pass.deadCode.run(graph)
        guard clean.nodes.count == graph.nodes.count else { return try pruned(clean) }
        guard let index = graph.nodes.indices.last(where: { graph.nodes[$0].isLeaf && !used.contains(Value($0)) })
        else { return graph }
        return try pruned(without(Value(index), of: graph))
    }

    /// The graph without a node that nothing reads.
    private func without(_ value: Value, of graph: Graph) -> Graph {
        func moved(_ other: Value) -> Value { other > value ? Value(other.index - 1) : other }
        var result = graph
        result.nodes.remove(at: value.index)
        for index in result.nodes.indices { result.nodes[index].operands = result.nodes[index].operands.map(moved) }
        result.results = graph.results.map { entry in
            if case .update(let parameter) = entry.kind {
                return GraphResult(.update(parameter: moved(parameter)), moved(entry.value))
            }
            return GraphResult(entry.kind, moved(entry.value))
        }
        return result
    }

    /// One result alone, or else all but one.
    private mutating func dropResults() {
        for result in graph.results where graph.results.count > 1 {
            var candidate = graph
            candidate.results = [result]
            if accept(candidate) { return }
        }
        var index = graph.results.count - 1
        while index >= 0, graph.results.count > 1 {
            var candidate = graph
            candidate.results.remove(at: index)
            _ = accept(candidate)
            index = min(index, graph.results.count) - 1
        }
    }

    /// The first node that is interesting as the only result.
    private mutating func moveResultsUp() {
        guard graph.results.count == 1 else { return }
        for value in graph.values where !graph[value].isLeaf && value != graph.results[0].value {
            var candidate = graph
            candidate.results = [GraphResult(.output(name: "y"), value)]
            if accept(candidate) { return }
        }
    }

    /// Makes each node a leaf, which cuts off what it is computed from, or puts an operand in its place.
    private mutating func cutNodes() {
        var index = graph.nodes.count - 1
        while index >= 0 {
            let node = graph.nodes[index]
            if !(node.operation is Input), !accept(asLeaf(Value(index))) {
                for operand in node.operands where graph[operand].type == node.type {
                    if accept(replacing(Value(index), by: operand)) { break }
                }
            }
            index = min(index, graph.nodes.count) - 1
        }
    }

    private func asLeaf(_ value: Value) -> Graph? {
        let node = graph[value]
        guard node.type.element != .f64 else { return nil }
        let names = Set(graph.inputs.map(\.operation.name))
        let number = (0...).first { !names.contains("leaf_\($0)") } ?? 0
        var candidate = graph
        candidate.nodes[value.index] = Node(Input("leaf_\(number)", node.type), [], node.type)
        // What is no parameter any more cannot be updated.
        candidate.results.removeAll { $0.kind == .update(parameter: value) }
        return candidate
    }

    private func replacing(_ value: Value, by other: Value) -> Graph {
        var candidate = graph
        func new(_ operand: Value) -> Value { operand == value ? other : operand }
        for index in candidate.nodes.indices {
            candidate.nodes[index].operands = candidate.nodes[index].operands.map(new)
        }
        for index in candidate.results.indices { candidate.results[index].value = new(candidate.results[index].value) }
        return candidate
    }

    /// Makes an extent smaller, wherever it occurs: in types and in lists of attributes. What does not fit then is no
    /// graph and is not taken.
    private mutating func shrinkExtents() {
        let extents = Set(graph.nodes.flatMap(\.type.shape)).filter { $0 > 1 }.sorted(by: >)
        for extent in extents {
            for smaller in [1, 2, extent / 4, extent / 2, extent - extent / 8, extent - 1]
            where smaller > 0 && smaller < extent {
                if accept(replacing(extent, by: smaller)) { break }
            }
        }
    }

    /// Lists that number axes rather than elements.
    private static let axisLists: Set<String> = [
        "axes", "permutation", "left_batch", "right_batch", "left_contracting", "right_contracting", "steps",
    ]

    /// Attributes that are extents.
    private static let extents: Set<String> = ["rows", "size", "height", "width"]

    private func replacing(_ extent: Int, by smaller: Int) -> Graph? {
        func new(_ number: Int) -> Int { number == extent ? smaller : number }
        var candidate = graph
        for (index, node) in graph.nodes.enumerated() {
            let type = node.type.with(shape: node.type.shape.map(new))
            guard let operation = changed(node.operation, type, new) else { return nil }
            candidate.nodes[index] = Node(operation, node.operands, type, location: node.location)
        }
        return candidate
    }

    /// An operation with other extents in its attributes.
    private func changed(_ operation: some Operation, _ type: TensorType, _ new: (Int) -> Int) -> (any Operation)? {
        let attributes = operation.attributes.map { name, value -> (name: String, value: Attribute) in
            if case .integers(let numbers) = value, !Self.axisLists.contains(name) {
                return (name, .integers(numbers.map(new)))
            }
            if case .integer(let number) = value, Self.extents.contains(name) { return (name, .integer(new(number))) }
            return (name, value)
        }
        return try? Swift.type(of: operation).init(attributes: attributes, type: type)
    }
}
