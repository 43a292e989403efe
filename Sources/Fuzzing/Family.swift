/// A kind of step by which a random graph grows.
public enum Family: String, Hashable, Sendable, CaseIterable {
    case unary, binary, select, integers, leaf
    case reduction, softmax, normalization, interpolation, upsampledConvolution
    case slice, pad, concatenation, reordering, broadcast
    case matmul, attention, gather, scatter, sort
    /// Convolutions with stride and padding, and pooling.
    case convolution, pooling
    /// Rows of a table by index, as models look up words; its gradient adds rows up.
    case embedding
    /// An operation on a value that a matmul reads too: sorts, largest elements, sums.
    case besideMatmul
    /// Matmuls of transposed operands, whose results are transposed.
    case transposedMatmul
    /// Rows that are a multiple of a cache's period, read by a matmul and by something else.
    case periodicRows
    /// Projections, heads, attention and a residual.
    case attentionBlock
    /// Tensors in bf16 and matmuls of them.
    case bfloat16

    /// How often a step is one of this family, beside the others.
    var weight: Int {
        switch self {
        case .unary: 6
        case .binary: 5
        case .reduction, .matmul: 3
        case .normalization, .leaf, .convolution, .pooling, .embedding, .besideMatmul, .transposedMatmul,
            .periodicRows:
            2
        default: 1
        }
    }

    /// What is drawn from: each family as often as its weight says, in a fixed order.
    static func choices(_ families: Set<Family>) -> [Family] {
        allCases.filter(families.contains).flatMap { Array(repeating: $0, count: $0.weight) }
    }
}
