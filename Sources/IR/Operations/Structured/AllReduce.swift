/// The sum of a tensor over all ranks: processes that run the same graph side by side, each on its own share of the data.
///
/// Each rank gets the same result. A graph that runs alone is the only rank, so that the sum is the operand.
public struct AllReduce: Operation, DifferentiableOperation {
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

    /// The sum of what each rank has.
    func evaluate(ranks operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        for operand in operands {
            for index in result.values.indices { result.values[index] += operand.values[index] }
        }
        return result
    }

    /// What is differentiated is the sum of all ranks' losses: each of them reads the operand of every rank.
    public func gradient(_ context: GradientContext) -> [Tensor?] { [allReduce(context.seed)] }
}

/// The sum of a tensor over all ranks; see `AllReduce`.
public func allReduce(_ x: Tensor) -> Tensor { x.builder.add(AllReduce(), [x]) }
