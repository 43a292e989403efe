/// The sum of a tensor over all ranks: processes that run the same graph side by side, each on its own share of the
/// data.
///
/// Each rank gets the same result. A graph that runs alone is the only rank, so that the sum is the operand.
public struct AllReduce: RankOperation, DifferentiableOperation {
    public static let name = "all_reduce"
    public static let kind = OperationKind.collective
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        return operands[0]
    }

    /// Of a graph that runs alone; ``Interpreter/run(_:ranks:)`` runs several, and adds their operands up.
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { operands[0] }

    func evaluate(ranks operands: [[HostTensor]], type: TensorType) -> [HostTensor] {
        var result = HostTensor(type)
        for operand in operands {
            for index in result.values.indices { result.values[index] += operand[0].values[index] }
        }
        return Array(repeating: result, count: operands.count)
    }

    /// What is differentiated is the sum of all ranks' losses: each of them reads the operand of every rank.
    public func gradient(_ context: GradientContext) -> [Tensor?] { [allReduce(context.seed)] }
}

/// The sum of a tensor over all ranks; see `AllReduce`.
public func allReduce(_ x: Tensor) -> Tensor { x.builder.add(AllReduce(), [x]) }

/// The sum of a tensor over the ranks that the graph is built for (``GraphBuilder/ranks``); where there is one, the
/// tensor.
///
/// What is computed from a whole batch, such as a loss that is divided by a number of elements in it, takes the parts
/// of other ranks into account by this.
public func sumOverRanks(_ x: Tensor) -> Tensor { x.builder.ranks > 1 ? allReduce(x) : x }

/// The mean of a tensor over the ranks that the graph is built for; see ``sumOverRanks(_:)``.
public func meanOverRanks(_ x: Tensor) -> Tensor { mean(x, ofRanks: x.builder.ranks) }

/// The mean over so many ranks.
func mean(_ x: Tensor, ofRanks ranks: Int) -> Tensor { ranks > 1 ? allReduce(x) * (1 / Double(ranks)) : x }

/// An operation in which graphs that run side by side meet.
protocol RankOperation: Operation {
    /// The results by rank, of the operands by rank.
    func evaluate(ranks operands: [[HostTensor]], type: TensorType) -> [HostTensor]
}
