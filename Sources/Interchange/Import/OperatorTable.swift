import ApusIR

/// What the import makes of each operator of ONNX, by its name.
enum OperatorTable {
    /// The results of a node, in order.
    typealias Operator = @Sendable (ImportedNode) throws -> [ImportedValue]

    /// All of them. Each family stands in a file of its own.
    static let operators: [String: Operator] = {
        let families = [
            unaryOperators, binaryOperators, convolutionOperators, poolingOperators, matmulOperators,
            normalizationOperators, reductionOperators, shapeOperators, joiningOperators, indexingOperators,
            paddingOperators, resizingOperators, constantOperators,
        ]
        return families.reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
    }()

    /// An operator of one result.
    static func one(_ function: @escaping @Sendable (ImportedNode) throws -> Tensor) -> Operator {
        { node in
            try node.expectResults(1)
            return [.tensor(try function(node))]
        }
    }

    /// An operator of one operand and one result.
    static func unary(_ function: @escaping @Sendable (Tensor) -> Tensor) -> Operator {
        one { function(try $0.tensor(0)) }
    }
}
