import ApusIR

/// Multi-head attention of tokens to each other (Vaswani et al. 2017), with the layers `qkv` and `proj` as timm names
/// them.
///
/// *Shapes*: [batch, tokens, dim] -> the same.
public struct SelfAttention: Layer {
    public let dim: Int, heads: Int, qkvBias: Bool
    private let file: String, line: Int

    public init(_ dim: Int, heads: Int, qkvBias: Bool = true, file: String = #fileID, line: Int = #line) {
        self.dim = dim
        self.heads = heads
        self.qkvBias = qkvBias
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard let (queries, keys, values) = projections(of: x) else { return x.builder.invalid() }
            let probabilities = softmax(scores(queries, keys))  // [b, h, n, n]
            let mixed = dot(probabilities, values, batch: [(0, 0), (1, 2)], contracting: [(3, 1)])  // [b, h, n, d]
            let joined = mixed.transpose([0, 2, 1, 3]).reshape(x.shape)
            return Linear(dim, dim).named("proj")(joined)
        }
    }

    /// How much each token attends to each other one, per head; every row sums to 1.
    ///
    /// *Shapes*: [batch, tokens, dim] -> [batch, heads, tokens, tokens].
    public func attention(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard let (queries, keys, _) = projections(of: x) else { return x.builder.invalid() }
            return softmax(scores(queries, keys))
        }
    }

    private func scores(_ queries: Tensor, _ keys: Tensor) -> Tensor {
        dot(queries, keys, batch: [(0, 0), (2, 2)], contracting: [(3, 3)]) * (1 / Double(dim / heads).squareRoot())
    }

    /// Queries, keys and values, each [batch, tokens, heads, dim of a head]; nil after a mistake.
    private func projections(of x: Tensor) -> (Tensor, Tensor, Tensor)? {
        guard x.isValid else { return nil }
        guard heads > 0, dim > 0, dim % heads == 0 else {
            x.builder.report(
                GraphError(
                    .shape, operation: "SelfAttention", "\(heads) heads do not divide the dimension \(dim)",
                    location: x.builder.location))
            return nil
        }
        guard x.rank == 3, x.shape[2] == dim else {
            x.builder.report(
                GraphError(
                    .shape, operation: "SelfAttention", "takes [batch,tokens,\(dim)], has \(shapeText(x.shape))",
                    location: x.builder.location))
            return nil
        }
        let joint = Linear(dim, 3 * dim, bias: qkvBias).named("qkv")(x)
        let parts = (0..<3).map { part in
            joint.slice(part * dim..<(part + 1) * dim, axis: 2).reshape([x.shape[0], x.shape[1], heads, dim / heads])
        }
        return (parts[0], parts[1], parts[2])
    }
}
