/// Zeros around and between the elements: `low` before, `high` after, `interior` between neighbours, along each axis.
public struct Pad: Operation, DifferentiableOperation {
    public static let name = "pad"
    public static let kind = OperationKind.lookup
    /// Zeros before, after and between the elements, for each axis.
    public var low: [Int], high: [Int], interior: [Int]

    /// The zeros of each axis.
    public init(low: [Int], high: [Int], interior: [Int]) {
        self.low = low
        self.high = high
        self.interior = interior
    }

    public var attributes: Attributes {
        [("low", .integers(low)), ("high", .integers(high)), ("interior", .integers(interior))]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        low = try attributes.integers("low")
        high = try attributes.integers("high")
        interior = try attributes.integers("interior")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        let source = operands[0].shape
        guard low.count == source.count, high.count == source.count, interior.count == source.count else {
            throw error(.attribute, "widths for \(low.count) axes, operand \(shapeText(source)) has \(source.count)")
        }
        guard (low + high + interior).allSatisfy({ $0 >= 0 }) else {
            throw error(.attribute, "widths must not be negative")
        }
        for axis in source.indices {
            let (between, overflow) = (source[axis] - 1).multipliedReportingOverflow(by: interior[axis])
            guard !overflow, [low[axis], high[axis], between].allSatisfy({ $0 <= largestElementCount }) else {
                throw error(.attribute, "the widths of axis \(axis) are too large")
            }
        }
        return operands[0].with(
            shape: source.indices.map { low[$0] + source[$0] + (source[$0] - 1) * interior[$0] + high[$0] })
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let target = result.strides
        let offset = position(low, target), strides = zip(target, interior).map { $0 * ($1 + 1) }
        forEachIndex(operands[0].shape) { index, place in
            result.values[offset + position(index, strides)] = operands[0].values[place]
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let source = context.operands[0].shape
        let steps = interior.map { $0 + 1 }
        let limits = source.indices.map { low[$0] + (source[$0] - 1) * steps[$0] + 1 }
        return [context.seed.builder.add(Slice(starts: low, limits: limits, steps: steps), [context.seed])]
    }
}

extension Tensor {
    /// Zeros around (`low`, `high`) and between (`interior`) the elements, one width for each axis.
    public func padded(low: [Int], high: [Int], interior: [Int]? = nil, file: String = #fileID, line: Int = #line)
        -> Tensor
    {
        let between = interior ?? [Int](repeating: 0, count: low.count)
        if (low + high + between).allSatisfy({ $0 == 0 }) { return self }
        return builder.add(Pad(low: low, high: high, interior: between), [self], location: builder.location(file, line))
    }
}
