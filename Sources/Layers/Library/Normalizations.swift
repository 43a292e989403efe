import ApusIR

/// Layer normalisation (Ba, Kiros, Hinton 2016) along the last axis, or several, with the weights `weight` and `bias`
/// of their shape, as PyTorch's `LayerNorm`.
///
/// *Shapes*: [..., dim] -> the same.
public struct LayerNorm: Layer {
    /// The extents of the last axes, which are normalised together, and what is added to variances.
    public let shape: [Int], epsilon: Double
    private let file: String, line: Int

    /// The layer for `dim` numbers along the last axis.
    public init(_ dim: Int, epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line) {
        self.init([dim], epsilon: epsilon, file: file, line: line)
    }

    /// - Parameter shape: The extents of the last axes, which are normalised together.
    public init(_ shape: [Int], epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line) {
        self.shape = shape
        self.epsilon = epsilon
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            let scale = weight("weight", shape, .ones), shift = weight("bias", shape, .zeros)
            guard shape.count != 1 else {
                return layerNormalization(x, weight: scale, bias: shift, epsilon: epsilon)
            }
            guard x.isValid, scale.isValid else { return x.isValid ? scale : x }
            guard !shape.isEmpty, Array(x.shape.suffix(shape.count)) == shape else {
                return x.mistake(
                    "LayerNorm",
                    "takes [...,\(shape.map(String.init).joined(separator: ","))], has \(shapeText(x.shape))")
            }
            let rows = x.reshape(x.shape.dropLast(shape.count) + [-1])
            return layerNormalization(
                rows, weight: scale.reshape([-1]), bias: shift.reshape([-1]), epsilon: epsilon
            ).reshape(x.shape)
        }
    }
}

/// x / √(mean of x² + ε) · weight along the last axis (Zhang and Sennrich 2019), with the weight `weight` [dim], as
/// PyTorch's `RMSNorm`.
///
/// *Shapes*: [..., dim] -> the same.
public struct RMSNorm: Layer {
    /// The extent of the last axis, and what is added to the mean of squares.
    public let dim: Int, epsilon: Double
    private let file: String, line: Int

    /// - Parameter epsilon: PyTorch's default is the distance from 1 to the next number of f32.
    public init(_ dim: Int, epsilon: Double = 0x1p-23, file: String = #fileID, line: Int = #line) {
        self.dim = dim
        self.epsilon = epsilon
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard x.shape.last == dim else {
                return x.mistake("RMSNorm", "takes [...,\(dim)], has \(shapeText(x.shape))")
            }
            let square = mean(x * x, axes: [-1], keepAxes: true)
            return x * (1 / sqrt(square + epsilon)) * weight("weight", [dim], .ones)
        }
    }
}

/// Normalisation of groups of channels (Wu and He 2018), each with mean and biased variance of its channels and places,
/// with the weights `weight` [channels] and `bias` [channels] if `affine`, as PyTorch's `GroupNorm`.
///
/// *Shapes*: [n, channels, ...] -> the same.
public struct GroupNorm: Layer {
    /// Groups and channels, what is added to variances, and whether there are weights.
    public let groups: Int, channels: Int, epsilon: Double, isAffine: Bool
    private let file: String, line: Int

    /// The layer for so many channels, which `groups` divides; its defaults are PyTorch's.
    public init(
        groups: Int, _ channels: Int, epsilon: Double = 1e-5, affine: Bool = true, file: String = #fileID,
        line: Int = #line
    ) {
        (self.groups, self.channels, self.epsilon) = (groups, channels, epsilon)
        isAffine = affine
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { normalizedGroups(x, groups, channels, epsilon, isAffine, layer: "GroupNorm") }
    }
}

/// Normalisation of each channel of each image by itself (Ulyanov, Vedaldi, Lempitsky 2016), as PyTorch's
/// `InstanceNorm1d`, `2d` and `3d`; with the weights `weight` [channels] and `bias` [channels] if `affine`.
///
/// *Shapes*: [n, channels, spatial...] -> the same.
public struct InstanceNorm: Layer {
    /// Channels, what is added to variances, and whether there are weights.
    public let channels: Int, epsilon: Double, isAffine: Bool
    private let file: String, line: Int

    /// The layer for so many channels; its defaults are PyTorch's.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, affine: Bool = false, file: String = #fileID, line: Int = #line
    ) {
        (self.channels, self.epsilon) = (channels, epsilon)
        isAffine = affine
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard !x.isValid || x.rank > 2 else {
                return x.mistake("InstanceNorm", "takes [n,\(channels),spatial...], has \(shapeText(x.shape))")
            }
            return normalizedGroups(x, channels, channels, epsilon, isAffine, layer: "InstanceNorm")
        }
    }
}

private func normalizedGroups(
    _ x: Tensor, _ groups: Int, _ channels: Int, _ epsilon: Double, _ isAffine: Bool, layer: String
) -> Tensor {
    guard x.isValid else { return x }
    guard groups > 0, channels > 0, channels % groups == 0 else {
        return x.mistake(layer, "\(groups) groups do not divide \(channels) channels", .attribute)
    }
    guard x.rank >= 2, x.shape[1] == channels else {
        return x.mistake(layer, "takes [n,\(channels),...], has \(shapeText(x.shape))")
    }
    let rows = x.reshape([x.shape[0], groups, -1])
    let centred = rows - mean(rows, axes: [2], keepAxes: true)
    let inverse = 1 / sqrt(mean(centred * centred, axes: [2], keepAxes: true) + epsilon)
    let normalized = (centred * inverse).reshape(x.shape)
    guard isAffine else { return normalized }
    func along(_ name: String, _ start: Initializer) -> Tensor {
        weight(name, [channels], start).reshape([channels] + Array(repeating: 1, count: x.rank - 2))
    }
    return normalized * along("weight", .ones) + along("bias", .zeros)
}
