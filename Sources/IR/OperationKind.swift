/// Where the elements of an operation's result come from: what passes and code generators ask instead of which
/// operation it is.
///
/// Whoever treats kinds differently names all of them, so that a new kind does not compile until everybody knows it.
public enum OperationKind: Hashable, Sendable {
    /// From the caller or the state: inputs and parameters.
    case leaf
    /// From their own place, and from small operands at most: constants, counters, random numbers.
    case generated
    /// From the elements at the same place of all operands.
    case elementwise
    /// From one operand, of which only the order or a part is shown; nothing is computed.
    case view(View)
    /// From one operand, each element for several places.
    case repetition
    /// From one operand, stored anew.
    case copy
    /// From several operands that lie one after the other.
    case join
    /// From single elements at places that are computed: gathers and padding.
    case lookup
    /// From all elements along some axes of one operand.
    case reduction
    /// Sums of products: matmuls and their like.
    case contraction
    /// Attention and its gradients.
    case attention
    /// The places of the elements of a row in ascending order.
    case sort
    /// Sums at places that are computed.
    case scatter
    /// From the elements at the same place of every rank.
    case collective
    /// What simpler operations compute together.
    case composite(Composite)

    /// What a view shows of its operand.
    public enum View: Hashable, Sendable {
        /// Another order of the axes.
        case order
        /// Another shape, of the same row-major order.
        case shape
        /// Some of the elements.
        case part
        /// The operand itself, after something else has been computed (an optimization barrier).
        case barrier
    }

    /// Of which elements one of a composite's result is made.
    public enum Composite: Hashable, Sendable {
        /// Of those at its own place.
        case elementwise
        /// Of those of its own row, the last axis.
        case rowWise
        /// Of any.
        case other
    }

    /// Whether only the order or a part of one operand is shown.
    public var isView: Bool { if case .view = self { true } else { false } }

    /// Whether one operand is shown with all its elements, each once.
    public var isRearrangement: Bool { self == .view(.order) || self == .view(.shape) }

    /// Whether elements are only brought to other places, and each to one.
    public var isMove: Bool { isView || self == .join }

    /// Whether numbers of operands are multiplied and added up: what mixed precision lowers, and what takes most time.
    public var isMultiplication: Bool { self == .contraction || self == .attention }
}

extension Operation {
    package var kind: OperationKind { Self.kind }
}
