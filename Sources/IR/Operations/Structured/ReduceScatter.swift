/// The rank's own part of the sum of a tensor over all ranks: [ranks, rest...] gives [rest...].
///
/// Ranks run the same graph side by side, and the operand has as many parts as there are ranks, the first for rank 0.
/// A graph that runs alone is the first rank, to whose sum the others give nothing.
public struct ReduceScatter: RankOperation, DifferentiableOperation {
    public static let name = "reduce_scatter"
    public static let kind = OperationKind.collective
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        guard operands[0].rank > 0 else { throw error(.shape, "\(operands[0]) has no parts for ranks") }
        return operands[0].with(shape: Array(operands[0].shape.dropFirst()))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(type, Array(operands[0].values.prefix(type.count)))
    }

    func evaluate(ranks operands: [[HostTensor]], type: TensorType) -> [HostTensor] {
        operands.indices.map { rank in
            var result = HostTensor(type)
            for operand in operands {
                for place in 0..<type.count { result.values[place] += operand[0].values[rank * type.count + place] }
            }
            return result
        }
    }

    /// Part r of the operand of any rank is in the sum of rank r alone.
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [allGather(context.seed, ranks: context.operands[0].shape[0])]
    }
}

/// The rank's own part of the sum over ranks of a tensor that has a part for each, [ranks, rest...]; see
/// `ReduceScatter`.
public func reduceScatter(_ x: Tensor) -> Tensor { x.builder.add(ReduceScatter(), [x]) }
