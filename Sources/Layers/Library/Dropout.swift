import ApusIR

/// In training, each element is 0 with the chance `rate`, and divided by the chance to be kept otherwise (Srivastava et
/// al. 2014), as PyTorch's `Dropout`. Inference does without this layer.
///
/// Every call and every run of the step draws anew; see ``randomUniform(_:)``.
///
/// *Shapes*: any -> the same.
public struct Dropout: Layer {
    /// The chance to be dropped, in 0..<1.
    public let rate: Double
    private let file: String, line: Int

    /// - Parameter rate: The chance to be dropped, in 0..<1; others are a mistake that the graph reports.
    public init(_ rate: Double = 0.5, file: String = #fileID, line: Int = #line) {
        self.rate = rate
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { dropped(x, rate, layer: "Dropout") { $0.shape } }
    }
}

/// In training, each channel of each image is 0 with the chance `rate`, and divided by the chance to be kept otherwise
/// (Tompson et al. 2014), as PyTorch's `Dropout1d`, `2d` and `3d`. Inference does without this layer.
///
/// *Shapes*: [n, c, spatial...] -> the same.
public struct ChannelDropout: Layer {
    /// The chance to be dropped, in 0..<1.
    public let rate: Double
    private let file: String, line: Int

    /// - Parameter rate: The chance to be dropped, in 0..<1; others are a mistake that the graph reports.
    public init(_ rate: Double = 0.5, file: String = #fileID, line: Int = #line) {
        self.rate = rate
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard !x.isValid || x.rank > 2 else {
                return x.mistake("ChannelDropout", "takes [n,c,spatial...], has \(shapeText(x.shape))")
            }
            return dropped(x, rate, layer: "ChannelDropout") { x in
                Array(x.shape.prefix(2)) + x.shape.dropFirst(2).map { _ in 1 }
            }
        }
    }
}

/// Stochastic depth (Huang et al. 2016) as timm's `DropPath`: in training, a branch is dropped for an image with the
/// chance `rate`, and divided by the chance to be kept where it is kept. Inference does without this layer.
///
/// *Shapes*: [batch, ...] -> the same.
public struct DropPath: Layer {
    /// The chance to be dropped, in 0..<1.
    public let rate: Double
    private let file: String, line: Int

    /// - Parameter rate: The chance to be dropped, in 0..<1; others are a mistake that the graph reports.
    public init(_ rate: Double, file: String = #fileID, line: Int = #line) {
        self.rate = rate
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard !x.isValid || x.rank > 0 else { return x.mistake("DropPath", "takes [batch,...], has a scalar") }
            return dropped(x, rate, layer: "DropPath") { x in [x.shape[0]] + x.shape.dropFirst().map { _ in 1 } }
        }
    }
}

/// x with numbers of the shape `kept` that decide what is dropped. Forward and backward pass share one bool for each,
/// or draw it twice where attention is one kernel.
func dropped(
    _ x: Tensor, _ rate: Double, layer: String, at place: SourceLocation? = nil, kept shape: (Tensor) -> [Int]
) -> Tensor {
    guard x.isValid else { return x }
    guard (0..<1).contains(rate) else {
        return x.mistake(layer, "the rate \(rate) is not in 0..<1", .attribute, at: place)
    }
    guard isTraining, rate > 0 else { return x }
    let uniform = randomUniform(shape(x))
    let isKept = less(uniform, uniform.constant(1 - rate))
    return select(isKept, x * (1 / (1 - rate)), x.constant(0))
}
