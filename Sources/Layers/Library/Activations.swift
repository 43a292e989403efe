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
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// relu(x), but 6 at most (Howard et al. 2017). *Shapes*: any -> the same.
public struct ReLU6: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu6(x) }
}

/// The logistic function. *Shapes*: any -> the same.
public struct Sigmoid: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// The logarithm of the logistic function. *Shapes*: any -> the same.
public struct LogSigmoid: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { logSigmoid(x) }
}

/// x · sigmoid(x). *Shapes*: any -> the same.
public struct SiLU: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// x · tanh(softplus(x)) (Misra 2019). *Shapes*: any -> the same.
public struct Mish: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { mish(x) }
}

/// The approximation of GELU by tanh, as PyTorch's `GELU(approximate="tanh")`. *Shapes*: any -> the same.
public struct GELUTanh: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { geluTanh(x) }
}

/// The scaled exponential linear unit (Klambauer et al. 2017). *Shapes*: any -> the same.
public struct SELU: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { selu(x) }
}

/// x / (1 + |x|). *Shapes*: any -> the same.
public struct Softsign: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { softsign(x) }
}

/// x − tanh(x). *Shapes*: any -> the same.
public struct Tanhshrink: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { tanhshrink(x) }
}

/// (x + 3) / 6, brought into 0...1. *Shapes*: any -> the same.
public struct Hardsigmoid: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { hardsigmoid(x) }
}

/// x · hardsigmoid(x) (Howard et al. 2019). *Shapes*: any -> the same.
public struct Hardswish: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { hardswish(x) }
}

/// x where it is above 0, elsewhere slope · x (Maas, Hannun, Ng 2013). *Shapes*: any -> the same.
public struct LeakyReLU: Layer {
    /// The factor of numbers below 0.
    public let slope: Double
    /// The layer with a factor for numbers below 0.
    public init(_ slope: Double = 0.01) { self.slope = slope }
    public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, slope: slope) }
}

/// x where it is above 0, elsewhere α · (exp(x) − 1) (Clevert, Unterthiner, Hochreiter 2015). *Shapes*: any -> the
/// same.
public struct ELU: Layer {
    /// −α is what the function comes near to for numbers far below 0.
    public let alpha: Double
    /// The layer with its α.
    public init(alpha: Double = 1) { self.alpha = alpha }
    public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// x where it is above 0, elsewhere α · (exp(x / α) − 1) (Barron 2017). *Shapes*: any -> the same.
public struct CELU: Layer {
    /// −α is what the function comes near to for numbers far below 0.
    public let alpha: Double
    /// The layer with its α, which is not 0.
    public init(alpha: Double = 1) { self.alpha = alpha }
    public func callAsFunction(_ x: Tensor) -> Tensor { celu(x, alpha: alpha) }
}

/// x where |x| is above λ, elsewhere 0. *Shapes*: any -> the same.
public struct Hardshrink: Layer {
    /// What |x| is compared with.
    public let lambda: Double
    /// The layer with its λ, which is 0 at least.
    public init(lambda: Double = 0.5) { self.lambda = lambda }
    public func callAsFunction(_ x: Tensor) -> Tensor { hardshrink(x, lambda: lambda) }
}

/// x brought nearer to 0 by λ, and 0 where |x| is not above λ. *Shapes*: any -> the same.
public struct Softshrink: Layer {
    /// How much nearer to 0 numbers are brought.
    public let lambda: Double
    /// The layer with its λ, which is 0 at least.
    public init(lambda: Double = 0.5) { self.lambda = lambda }
    public func callAsFunction(_ x: Tensor) -> Tensor { softshrink(x, lambda: lambda) }
}

/// log(1 + exp(x)). *Shapes*: any -> the same.
extension Softplus: Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x) }
}

/// x brought into lower...upper. *Shapes*: any -> the same.
public struct Hardtanh: Layer {
    /// The smallest and the largest number that come out.
    public let lower: Double, upper: Double
    /// The layer with the bounds of what comes out.
    public init(_ lower: Double = -1, _ upper: Double = 1) { (self.lower, self.upper) = (lower, upper) }
    public func callAsFunction(_ x: Tensor) -> Tensor { hardtanh(x, lower, upper) }
}

/// The first half of an axis times the sigmoid of the second (Dauphin et al. 2016). *Shapes*: [..., 2n, ...] -> [...,
/// n, ...].
public struct GLU: Layer {
    /// The axis that is halved; −1 is the last one.
    public let axis: Int
    /// The layer with the axis that is halved, whose extent is even.
    public init(axis: Int = -1) { self.axis = axis }
    public func callAsFunction(_ x: Tensor) -> Tensor { glu(x, axis: axis) }
}

/// x where it is above 0, elsewhere a learned multiple of it (He et al. 2015), with the weight `weight` [1] or, of each
/// channel, [channels], as PyTorch's `PReLU`.
///
/// *Shapes*: [n, channels, ...] -> the same; with one multiple, any.
public struct PReLU: Layer {
    /// How many multiples are learned, nil for a single one, and what they start with.
    public let channels: Int?, start: Double
    private let file: String, line: Int

    /// The layer with a multiple for each channel, or a single one.
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
