/// The indices that would sort the last axis in ascending order; equal elements keep their order, NaN comes last.
public struct ArgSort: Operation, NonDifferentiableOperation {
    public static let name = "argsort"
    public static let kind = OperationKind.sort
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        guard operands[0].rank > 0 else { throw error(.shape, "a scalar has no axis to sort") }
        return operands[0].with(.i32)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let width = type.shape[type.rank - 1]
        for start in stride(from: 0, to: type.count, by: max(width, 1)) {
            let order = Self.order(of: operands[0].values[start..<start + width])
            for (offset, index) in order.enumerated() { result.values[start + offset] = Double(index) }
        }
        return result
    }

    /// The sorting order of one row.
    package static func order<Number: BinaryFloatingPoint>(of row: some Collection<Number>) -> [Int] {
        let keys = Array(row)
        return keys.indices.sorted { a, b in
            if keys[a].isNaN || keys[b].isNaN { return keys[a].isNaN == keys[b].isNaN ? a < b : keys[b].isNaN }
            return keys[a] == keys[b] ? a < b : keys[a] < keys[b]
        }
    }
}

/// The indices (i32) that would sort the last axis in ascending order.
public func argsort(_ x: Tensor) -> Tensor { x.builder.add(ArgSort(), [x]) }
