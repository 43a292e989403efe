import ApusIR

// An operation without weights or options is a layer as it stands.

/// The Gaussian error linear unit. *Shapes*: any -> the same.
extension GELU: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { gelu(x) }
}

/// The hyperbolic tangent. *Shapes*: any -> the same.
extension Tanh: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// Softmax along the last axis. *Shapes*: [..., n] -> the same.
extension Softmax: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { softmax(x) }
}

/// The larger of each element and 0. *Shapes*: any -> the same.
public struct ReLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// The logistic function. *Shapes*: any -> the same.
public struct Sigmoid: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// x · sigmoid(x). *Shapes*: any -> the same.
public struct SiLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}
