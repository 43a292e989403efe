/// A kind of step by which a random graph grows.
public enum Family: String, Hashable, Sendable, CaseIterable {
    case unary, binary, select, integers, leaf
    case reduction, softmax, normalization, interpolation, upsampledConvolution
    case slice, pad, concatenation, reordering, broadcast
    case product, attention, gather, scatter, sort
    /// Convolutions with stride and padding, and pooling.
    case convolution, pooling
    /// Rows of a table by index, as models look up words; its gradient adds rows up.
    case embedding
    /// An operation on a value that a product reads too: sorts, largest elements, sums.
    case besideProduct
    /// Products of transposed operands, whose results are transposed.
    case transposedProduct
    /// Rows that are a multiple of a cache's period, read by a product and by something else.
    case periodicRows
    /// Projections, heads, attention and a residual.
    case attentionBlock
    /// Tensors in bf16 and products of them.
    case bfloat16

    /// How often a step is one of this family, beside the others.
    var weight: Int {
        switch self {
        case .unary: 6
        case .binary: 5
        case .reduction, .product: 3
        case .normalization, .leaf, .convolution, .pooling, .embedding, .besideProduct, .transposedProduct,
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
