/// The largest integer not above each element. No gradient flows through it.
public struct Floor: UnaryOperation, NonDifferentiableOperation {
    public static let name = "floor"
    public init() {}
    public func scalar(_ x: Double) -> Double { x.rounded(.down) }
}

/// The largest integer not above each element.
public func floor(_ x: Tensor) -> Tensor { x.builder.add(Floor(), [x]) }
