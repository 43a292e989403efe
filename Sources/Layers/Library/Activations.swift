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

/// The logarithm of softmax along the last axis. *Shapes*: [..., n] -> the same.
extension LogSoftmax: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { logSoftmax(x) }
}

/// The larger of each element and 0. *Shapes*: any -> the same.
public struct ReLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// relu(x), but 6 at most (Howard et al. 2017). *Shapes*: any -> the same.
public struct ReLU6: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu6(x) }
}

/// The logistic function. *Shapes*: any -> the same.
public struct Sigmoid: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// The logarithm of the logistic function. *Shapes*: any -> the same.
public struct LogSigmoid: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { logSigmoid(x) }
}

/// x · sigmoid(x). *Shapes*: any -> the same.
public struct SiLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// x · tanh(softplus(x)) (Misra 2019). *Shapes*: any -> the same.
public struct Mish: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { mish(x) }
}

/// The approximation of GELU by tanh, as PyTorch's `GELU(approximate="tanh")`. *Shapes*: any -> the same.
public struct GELUTanh: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { geluTanh(x) }
}

/// The scaled exponential linear unit (Klambauer et al. 2017). *Shapes*: any -> the same.
public struct SELU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { selu(x) }
}

/// x / (1 + |x|). *Shapes*: any -> the same.
public struct Softsign: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { softsign(x) }
}

/// x − tanh(x). *Shapes*: any -> the same.
public struct Tanhshrink: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { tanhshrink(x) }
}

/// (x + 3) / 6, brought into 0...1. *Shapes*: any -> the same.
public struct Hardsigmoid: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { hardsigmoid(x) }
}

/// x · hardsigmoid(x) (Howard et al. 2019). *Shapes*: any -> the same.
public struct Hardswish: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { hardswish(x) }
}

/// x where it is above 0, elsewhere slope · x (Maas, Hannun, Ng 2013). *Shapes*: any -> the same.
public struct LeakyReLU: Layer {
    public let slope: Double
    public init(_ slope: Double = 0.01) { self.slope = slope }
    public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, slope: slope) }
}

/// x where it is above 0, elsewhere α · (exp(x) − 1) (Clevert, Unterthiner, Hochreiter 2015). *Shapes*: any -> the same.
public struct ELU: Layer {
    public let alpha: Double
    public init(alpha: Double = 1) { self.alpha = alpha }
    public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// x where it is above 0, elsewhere α · (exp(x / α) − 1) (Barron 2017). *Shapes*: any -> the same.
public struct CELU: Layer {
    public let alpha: Double
    public init(alpha: Double = 1) { self.alpha = alpha }
    public func callAsFunction(_ x: Tensor) -> Tensor { celu(x, alpha: alpha) }
}

/// x where |x| is above λ, elsewhere 0. *Shapes*: any -> the same.
public struct Hardshrink: Layer {
    public let lambda: Double
    public init(lambda: Double = 0.5) { self.lambda = lambda }
    public func callAsFunction(_ x: Tensor) -> Tensor { hardshrink(x, lambda: lambda) }
}

/// x brought nearer to 0 by λ, and 0 where |x| is not above λ. *Shapes*: any -> the same.
public struct Softshrink: Layer {
    public let lambda: Double
    public init(lambda: Double = 0.5) { self.lambda = lambda }
    public func callAsFunction(_ x: Tensor) -> Tensor { softshrink(x, lambda: lambda) }
}

/// log(1 + exp(x)). *Shapes*: any -> the same.
extension Softplus: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x) }
}

/// x brought into lower...upper. *Shapes*: any -> the same.
public struct Hardtanh: Layer {
    public let lower: Double, upper: Double
    public init(_ lower: Double = -1, _ upper: Double = 1) { (self.lower, self.upper) = (lower, upper) }
    public func callAsFunction(_ x: Tensor) -> Tensor { hardtanh(x, lower, upper) }
}

/// The first half of an axis times the sigmoid of the second (Dauphin et al. 2016). *Shapes*: [..., 2n, ...] -> [..., n,
/// ...].
public struct GLU: Layer {
    public let axis: Int
    public init(axis: Int = -1) { self.axis = axis }
    public func callAsFunction(_ x: Tensor) -> Tensor { glu(x, axis: axis) }
}

/// x where it is above 0, elsewhere a learned multiple of it (He et al. 2015), with the weight `weight` [1] or, of each
/// channel, [channels], as PyTorch's `PReLU`.
///
/// *Shapes*: [n, channels, ...] -> the same; with one multiple, any.
public struct PReLU: Layer {
    public let channels: Int?, start: Double
    private let file: String, line: Int

    public init(channels: Int? = nil, start: Double = 0.25, file: String = #fileID, line: Int = #line) {
        (self.channels, self.start) = (channels, start)
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            var slope = weight("weight", [channels ?? 1], .constant(start))
            if let channels {
                guard x.rank >= 2, x.shape[1] == channels else {
                    return x.mistake("PReLU", "takes [n,\(channels),...], has \(shapeText(x.shape))")
                }
                slope = slope.reshape([channels] + x.shape.dropFirst(2).map { _ in 1 })
            } else {
                slope = slope.reshape([])
            }
            return select(greater(x, x.constant(0)), x, x * slope)
        }
    }
}
