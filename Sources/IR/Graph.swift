/// The handle of one node of a graph: its place in the topological order.
public struct Value: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The node's place in the graph; −1 after a mistake.
    public var index: Int
    /// The handle of the node at a place.
    @inlinable public init(_ index: Int) { self.index = index }
    public static func < (a: Value, b: Value) -> Bool { a.index < b.index }
    public var description: String { "%\(index)" }
}

/// One operation in a graph, with its operands and the type of its single result.
public struct Node: Sendable {
    /// What is computed.
    public var operation: any Operation
    /// Of what it is computed: earlier nodes.
    public var operands: [Value]
    /// Shape and element type of the result.
    public var type: TensorType
    /// Where it was declared, if that is known.
    public var location: SourceLocation?

    /// An operation of operands, with the type that it infers from theirs.
    public init(_ operation: any Operation, _ operands: [Value], _ type: TensorType, location: SourceLocation? = nil) {
        self.operation = operation
        self.operands = operands
        self.type = type
        self.location = location
    }

    /// Whether the node is the graph's interface rather than a computation.
    package var isLeaf: Bool { operation.kind == .leaf }
}

/// What leaves a graph: a named result, or the new content of a parameter, which is updated in place.
public struct GraphResult: Hashable, Sendable {
    /// What becomes of the value.
    public enum Kind: Hashable, Sendable {
        /// It is handed out under a name.
        case output(name: String)
        /// It takes the place of a parameter's content.
        case update(parameter: Value)
    }
    /// What becomes of the value.
    public var kind: Kind
    /// The value that leaves the graph.
    public var value: Value

    /// A value and what becomes of it.
    public init(_ kind: Kind, _ value: Value) {
        self.kind = kind
        self.value = value
    }
}

/// Operations in static single assignment form, in topological order: a value type, cheap to copy.
public struct Graph: Sendable {
    /// What messages and the text form call the graph.
    public var name: String
    /// The operations, operands before their users.
    public var nodes: [Node]
    /// What leaves the graph, in order of declaration.
    public var results: [GraphResult]

    /// A graph of nodes and results; ``GraphBuilder`` makes one that is sound.
    public init(name: String, nodes: [Node] = [], results: [GraphResult] = []) {
        self.name = name
        self.nodes = nodes
        self.results = results
    }

    /// The node of a value. It is lent, not copied: passes look at every node, often for one of its fields.
    @inlinable
    public subscript(value: Value) -> Node {
        _read { yield nodes[value.index] }
    }

    /// Every value of the graph, operands before their users.
    public var values: some Sequence<Value> { nodes.indices.lazy.map { Value($0) } }

    /// Inputs in order of declaration.
    public var inputs: [(value: Value, operation: Input)] {
        leaves()
    }

    /// Parameters (weights and state) in order of declaration.
    public var parameters: [(value: Value, operation: Parameter)] {
        leaves()
    }

    /// The leaves of one type; which nodes are leaves is asked first, since it takes less than to ask for a type.
    private func leaves<Leaf: Operation>() -> [(value: Value, operation: Leaf)] {
        var leaves: [(value: Value, operation: Leaf)] = []
        for index in nodes.indices where nodes[index].isLeaf {
            if let operation = nodes[index].operation as? Leaf { leaves.append((Value(index), operation)) }
        }
        return leaves
    }

    /// Which values, by index, are the same in every run for as long as the parameters are: what is computed of those
    /// alone. Where a run updates any, there are none; nor where ranks meet, whose sums are added up in place of what
    /// each has.
    package func runInvariants() -> [Bool] {
        let updates = results.contains { result in if case .update = result.kind { true } else { false } }
        let isAlone = nodes.allSatisfy { $0.operation.kind != .collective }
        var isInvariant: [Bool] = []
        isInvariant.reserveCapacity(nodes.count)
        for node in nodes {
            isInvariant.append(
                !updates && isAlone && !(node.operation is Input)
                    && node.operands.allSatisfy { isInvariant[$0.index] })
        }
        return isInvariant
    }

    /// How often each value is used by nodes and results.
    package func useCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for node in nodes { for operand in node.operands { counts[operand.index] += 1 } }
        for result in results { counts[result.value.index] += 1 }
        return counts
    }
}

extension Graph: Equatable {
    /// Equality of structure: names, operations, operands, types and results; source locations do not count.
    public static func == (a: Graph, b: Graph) -> Bool {
        a.name == b.name && a.results == b.results && a.nodes.count == b.nodes.count
            && zip(a.nodes, b.nodes).allSatisfy { x, y in
                x.operands == y.operands && x.type == y.type && x.operation.isEqual(to: y.operation)
            }
    }
}
