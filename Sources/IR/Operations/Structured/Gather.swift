/// Rows chosen by index: [batch..., n, rest...] and indices [batch..., k...] give [batch..., k..., rest...].
///
/// An index outside 0..<n is clamped to that range.
public struct Gather: Operation, DifferentiableOperation {
    public static let name = "gather"
    public static let kind = OperationKind.lookup
    /// Number of leading axes that operand and indices share; the axis after them is indexed.
    public var batch: Int
    /// The choice of rows after so many shared axes.
    public init(batch: Int) { self.batch = batch }
    public var attributes: Attributes { [("batch", .integer(batch))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) { batch = try attributes.integer("batch") }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        let (source, indices) = (operands[0], operands[1])
        guard indices.element == .i32 else { throw error(.elementType, "indices are \(indices), not i32") }
        guard batch >= 0, batch < source.rank, batch <= indices.rank else {
            throw error(.attribute, "\(batch) batch axes for \(source) and \(indices)")
        }
        guard source.shape.prefix(batch) == indices.shape.prefix(batch) else {
            throw error(
                .shape,
                "the first \(batch) axes of \(shapeText(source.shape)) and indices \(shapeText(indices.shape)) differ")
        }
        return source.with(shape: indices.shape + source.shape.dropFirst(batch + 1))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let (source, indices) = (operands[0], operands[1])
        let rows = source.shape[batch]
        let inner = source.shape.dropFirst(batch + 1).reduce(1, *)
        let perBatch = indices.shape.dropFirst(batch).reduce(1, *)
        for place in indices.values.indices {
            let row = place / max(perBatch, 1) * rows + min(max(Int(indices.values[place]), 0), rows - 1)
            for column in 0..<inner { result.values[place * inner + column] = source.values[row * inner + column] }
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let rows = context.operands[0].shape[batch]
        return [
            context.seed.builder.add(ScatterAdd(batch: batch, rows: rows), [context.operands[1], context.seed]), nil,
        ]
    }
}

/// Rows chosen by index (i32): [batch..., n, rest...] and [batch..., k...] give [batch..., k..., rest...].
public func gather(_ source: Tensor, _ indices: Tensor, batch: Int = 0, file: String = #fileID, line: Int = #line)
    -> Tensor
{
    source.builder.add(Gather(batch: batch), [source, indices], location: source.builder.location(file, line))
}
