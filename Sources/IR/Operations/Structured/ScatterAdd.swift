/// Rows added up by index: indices [batch..., k...] and rows [batch..., k..., rest...] give [batch..., n, rest...].
///
/// Rows that no index names are zero. Rows are added in the order of the indices. The transpose of `Gather`.
public struct ScatterAdd: Operation, DifferentiableOperation {
    public static let name = "scatter_add"
    public static let kind = OperationKind.scatter
    /// Number of leading axes that indices and result share.
    public var batch: Int
    /// Extent n of the indexed axis of the result.
    public var rows: Int

    /// The sums for so many rows, after so many shared axes.
    public init(batch: Int, rows: Int) {
        self.batch = batch
        self.rows = rows
    }

    public var attributes: Attributes { [("batch", .integer(batch)), ("rows", .integer(rows))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        batch = try attributes.integer("batch")
        rows = try attributes.integer("rows")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        let (indices, updates) = (operands[0], operands[1])
        guard indices.element == .i32 else { throw error(.elementType, "indices are \(indices), not i32") }
        try expectFloat(updates)
        guard batch >= 0, batch <= indices.rank, rows > 0 else {
            throw error(.attribute, "\(batch) batch axes, \(rows) rows for indices \(indices)")
        }
        guard updates.shape.starts(with: indices.shape) else {
            throw error(
                .shape,
                "rows \(shapeText(updates.shape)) do not begin with the shape of the indices \(shapeText(indices.shape))"
            )
        }
        return updates.with(shape: indices.shape.prefix(batch) + [rows] + updates.shape.dropFirst(indices.rank))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let (indices, updates) = (operands[0], operands[1])
        let inner = updates.shape.dropFirst(indices.shape.count).reduce(1, *)
        let perBatch = indices.shape.dropFirst(batch).reduce(1, *)
        for place in indices.values.indices {
            let row = place / max(perBatch, 1) * rows + min(max(Int(indices.values[place]), 0), rows - 1)
            for column in 0..<inner { result.values[row * inner + column] += updates.values[place * inner + column] }
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [nil, gather(context.seed, context.operands[0], batch: batch)]
    }
}

/// Rows added up by index; see `ScatterAdd`.
public func scatterAdd(_ updates: Tensor, at indices: Tensor, rows: Int, batch: Int = 0) -> Tensor {
    updates.builder.add(ScatterAdd(batch: batch, rows: rows), [indices, updates])
}
