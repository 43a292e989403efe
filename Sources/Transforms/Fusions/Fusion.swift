import ApusIR

/// A rewrite that the framework exists for. Each can be switched off, for comparison.
public enum Fusion: String, Hashable, Sendable, CaseIterable {
    /// Matmuls of one input with several weights become one matmul.
    case qkv
    /// Softmax that is written out of primitives becomes one operation.
    case softmax
    /// Two matmuls with a softmax between them become one operation that never stores the matrix between them.
    case attention
    /// Gathers move up through row-wise work, so that rows which nobody reads are not computed.
    case gather
    /// Convolutions of 3×3 in f32 take fewer products. It is done to primitives, so that gradients take part.
    case winograd
}

extension Pipeline {
    /// The fusions, in the order in which they help each other. They work on the forward pass, before it is
    /// differentiated.
    public static func fusions(_ wanted: Set<Fusion>) -> Pipeline {
        let passes: [(Fusion, Pass)] = [
            (.softmax, .fuseSoftmax), (.attention, .fuseAttention), (.gather, .moveGathersUp), (.qkv, .fuseQKV),
        ]
        return Pipeline(passes.filter { wanted.contains($0.0) }.map(\.1))
    }
}
