/// Every `steps[i]`-th element from `starts[i]` up to, not including, `limits[i]`, along each axis.
public struct Slice: Operation, DifferentiableOperation {
    public static let name = "slice"
    public static let kind = OperationKind.view(.part)
    /// The first place, the one that ends it, and the distance, for each axis.
    public var starts: [Int], limits: [Int], steps: [Int]

    /// The places of each axis.
    public init(starts: [Int], limits: [Int], steps: [Int]) {
        self.starts = starts
        self.limits = limits
        self.steps = steps
    }

    public var attributes: Attributes {
        [("starts", .integers(starts)), ("limits", .integers(limits)), ("steps", .integers(steps))]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        starts = try attributes.integers("starts")
        limits = try attributes.integers("limits")
        steps = try attributes.integers("steps")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        let source = operands[0].shape
        guard starts.count == source.count, limits.count == source.count, steps.count == source.count else {
            throw error(.attribute, "bounds for \(starts.count) axes, operand \(shapeText(source)) has \(source.count)")
        }
        for axis in source.indices {
            guard starts[axis] >= 0, starts[axis] < limits[axis], limits[axis] <= source[axis], steps[axis] > 0 else {
                throw error(
                    .attribute,
                    "\(starts[axis])..<\(limits[axis]) by \(steps[axis]) is not within axis \(axis) of \(shapeText(source))"
                )
            }
        }
        return operands[0].with(shape: source.indices.map { (limits[$0] - starts[$0] - 1) / steps[$0] + 1 })
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let source = operands[0].strides
        let offset = position(starts, source), strides = zip(source, steps).map(*)
        forEachIndex(type.shape) { index, place in
            result.values[place] = operands[0].values[offset + position(index, strides)]
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let source = context.operands[0].shape
        let spans = source.indices.map { starts[$0] + (context.seed.shape[$0] - 1) * steps[$0] + 1 }
        let high = source.indices.map { source[$0] - spans[$0] }
        return [context.seed.padded(low: starts, high: high, interior: steps.map { $0 - 1 })]
    }
}

extension Tensor {
    /// Part of a tensor along one axis (negative axes count from the end).
    public func slice(_ range: Range<Int>, axis: Int, step: Int = 1, file: String = #fileID, line: Int = #line)
        -> Tensor
    {
        guard isValid else { return self }
        let axis = self.axis(axis)
        guard axis >= 0, axis < rank else {
            return builder.report(
                GraphError(
                    .attribute, operation: Slice.name, "axis \(axis) is out of range for \(shapeText(shape))",
                    location: builder.location(file, line)))
        }
        var starts = [Int](repeating: 0, count: rank), limits = shape, steps = [Int](repeating: 1, count: rank)
        starts[axis] = range.lowerBound
        limits[axis] = range.upperBound
        steps[axis] = step
        if starts == [Int](repeating: 0, count: rank), limits == shape, step == 1 { return self }
        return builder.add(
            Slice(starts: starts, limits: limits, steps: steps), [self], location: builder.location(file, line))
    }
}
