import ApusIR

/// What patterns of several nodes ask about a graph.
struct Pattern {
    let graph: Graph
    private let useCounts: [Int]

    init(_ graph: Graph) {
        self.graph = graph
        useCounts = graph.useCounts()
    }

    /// How many nodes and results read a value.
    func readers(of value: Value) -> Int { useCounts[value.index] }

    /// The node of a value, if it has this operation and if one node alone reads it: then it is gone when that node is
    /// replaced.
    func onlyRead<Kind: Operation>(_ value: Value, as kind: Kind.Type) -> (operation: Kind, operands: [Value])? {
        readers(of: value) == 1 ? node(value, as: kind) : nil
    }

    /// The node of a value, if it has this operation.
    func node<Kind: Operation>(_ value: Value, as kind: Kind.Type) -> (operation: Kind, operands: [Value])? {
        (graph[value].operation as? Kind).map { ($0, graph[value].operands) }
    }

    /// The number that all elements of a value have, if it is a constant, broadcast or not.
    func number(_ value: Value) -> Double? {
        switch graph[value].operation {
        case let constant as Constant: constant.splat
        case is Broadcast, is Reshape, is Transpose: number(graph[value].operands[0])
        default: nil
        }
    }

    /// A value without the number that it is multiplied with or divided by, and that factor.
    func unscaled(_ value: Value) -> (value: Value, factor: Double) {
        if let product = onlyRead(value, as: Multiply.self)?.operands {
            if let factor = number(product[1]) { return (product[0], factor) }
            if let factor = number(product[0]) { return (product[1], factor) }
        }
        if let quotient = onlyRead(value, as: Divide.self)?.operands, let divisor = number(quotient[1]) {
            return (quotient[0], 1 / divisor)
        }
        return (value, 1)
    }
}
