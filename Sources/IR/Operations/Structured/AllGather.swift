/// The tensors of all ranks, one after the other: [rest...] gives [ranks, rest...].
///
/// Ranks run the same graph side by side, and each gets the same result. A graph that runs alone has its own tensor in
/// place of all.
public struct AllGather: RankOperation, DifferentiableOperation {
    public static let name = "all_gather"
    public static let kind = OperationKind.collective
    /// How many ranks there are.
    public var ranks: Int
    /// The operation for so many ranks.
    public init(ranks: Int) { self.ranks = ranks }
    public var attributes: Attributes { [("ranks", .integer(ranks))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) { ranks = try attributes.integer("ranks") }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        guard ranks > 0 else { throw error(.attribute, "\(ranks) ranks") }
        return operands[0].with(shape: [ranks] + operands[0].shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(type, (0..<ranks).flatMap { _ in operands[0].values })
    }

    func evaluate(ranks operands: [[HostTensor]], type: TensorType) -> [HostTensor] {
        Array(repeating: HostTensor(type, operands.flatMap { $0[0].values }), count: operands.count)
    }

    /// The operand is a part of the result of every rank.
    public func gradient(_ context: GradientContext) -> [Tensor?] { [reduceScatter(context.seed)] }
}

/// The tensors of so many ranks, [ranks, rest...]; see `AllGather`.
public func allGather(_ x: Tensor, ranks: Int) -> Tensor { x.builder.add(AllGather(ranks: ranks), [x]) }
