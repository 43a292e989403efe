import ApusIR

extension OperatorTable {
    static let constantOperators: [String: Operator] = [
        "Constant": constant,
        "ConstantOfShape": one { node in
            // One that is known stands in KnownOperators; this one is too large to be computed with.
            let value = try node.stored("value")?.known() ?? KnownTensor(.float, [1], [0])
            guard let shape = try node.integers(0, "the shape"), value.values.count == 1,
                let element = value.code.element
            else { throw node.error(.attribute, "its shape or its value is missing") }
            return node.builder.add(Constant(TensorType(element, try node.checked(shape)), splat: value.values[0]), [])
        },
        "Range": one { node in
            throw node.error(
                .unsupported, "counts to numbers that depend on the input's; shapes and the like are fixed at import")
        },
    ]

    @Sendable private static func constant(_ node: ImportedNode) throws -> [ImportedValue] {
        if let stored = try node.stored("value") {
            // Weights that stand in a node are called as its result.
            let isWeight = stored.code.isFloatingPoint && !stored.shape.isEmpty && stored.count > 1
            guard isWeight || stored.count > KnownTensor.mostElements else { return [.known(try stored.known())] }
            return [.stored(stored.named(node.message.output.first ?? ""))]
        }
        if let number = try node.number("value_float") { return [.known(KnownTensor(.float, [], [number]))] }
        if let number = try node.integer("value_int") { return [.known(KnownTensor(.int64, [], [Double(number)]))] }
        if let numbers = try node.numbers("value_floats") {
            return [.known(KnownTensor(.float, [numbers.count], numbers))]
        }
        if let numbers = try node.integers("value_ints") { return [.known(KnownTensor(numbers))] }
        throw node.error(.unsupported, "holds neither numbers nor a tensor of them")
    }
}
