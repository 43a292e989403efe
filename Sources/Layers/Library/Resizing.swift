import ApusIR

/// Resizes the spatial axes, as PyTorch's `Upsample`.
///
/// *Shapes*: [n, c, spatial...] -> [n, c, size...], or [n, c, factor · extent...].
public struct Upsample: Layer {
    /// How elements between those of the image are found.
    public enum Mode: Hashable, Sendable {
        /// The nearest element.
        case nearest
        /// Linear interpolation along each axis: `linear`, `bilinear` and `trilinear`. With aligned corners the
        /// outermost elements stay where they are; otherwise the edges of their areas do.
        case linear(alignCorners: Bool = false)
    }
    /// How elements between those of the image are found.
    public let mode: Mode
    private let target: ResizeTarget
    private let file: String, line: Int

    /// The layer with the extents that come out, a number for all axes or one for each.
    public init(size: any PerAxis, mode: Mode = .nearest, file: String = #fileID, line: Int = #line) {
        target = .size(size)
        self.mode = mode
        self.file = file
        self.line = line
    }

    /// The layer with the factor of the extents, a whole number for all axes or one for each.
    public init(factor: any PerAxis, mode: Mode = .nearest, file: String = #fileID, line: Int = #line) {
        target = .factor(factor)
        self.mode = mode
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            switch mode {
            case .nearest: nearestResized(x, size: target.size(of: x))
            case .linear(let alignCorners): linearResized(x, size: target.size(of: x), alignCorners: alignCorners)
            }
        }
    }
}

private enum ResizeTarget: Sendable {
    case size(any PerAxis)
    case factor(any PerAxis)

    func size(of x: Tensor) -> any PerAxis {
        switch self {
        case .size(let size): size
        case .factor(let factors):
            // Numbers that are none of a size are refused where they are used.
            (factors.values(axes: max(x.rank - 2, 0)) ?? []).enumerated().map { axis, factor in
                let (size, isTooLarge) = x.shape[axis + 2].multipliedReportingOverflow(by: factor)
                return isTooLarge ? 0 : size
            }
        }
    }
}

/// Channels as places: [n, c · r², h, w] -> [n, c, h · r, w · r], as PyTorch's `PixelShuffle` (Shi et al. 2016).
public struct PixelShuffle: Layer {
    /// The factor r of both sides.
    public let factor: Int
    private let file: String, line: Int

    /// The layer with the factor of both sides.
    public init(_ factor: Int, file: String = #fileID, line: Int = #line) {
        self.factor = factor
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard x.rank == 4, 1...1024 ~= factor, x.shape[1] % (factor * factor) == 0 else {
                return x.mistake(
                    "PixelShuffle",
                    "takes [n,c,h,w] with channels that \(factor)² divides, has \(shapeText(x.shape))")
            }
            let (n, c, h, w) = (x.shape[0], x.shape[1] / (factor * factor), x.shape[2], x.shape[3])
            return x.reshape([n, c, factor, factor, h, w]).transpose([0, 1, 4, 2, 5, 3])
                .reshape([n, c, h * factor, w * factor])
        }
    }
}

/// Places as channels: [n, c, h · r, w · r] -> [n, c · r², h, w], as PyTorch's `PixelUnshuffle`.
public struct PixelUnshuffle: Layer {
    /// The factor r that both sides are divided by.
    public let factor: Int
    private let file: String, line: Int

    /// The layer with the factor that both sides are divided by.
    public init(_ factor: Int, file: String = #fileID, line: Int = #line) {
        self.factor = factor
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard x.rank == 4, 1...1024 ~= factor, x.shape[2] % factor == 0, x.shape[3] % factor == 0 else {
                return x.mistake(
                    "PixelUnshuffle", "takes [n,c,h,w] with sides that \(factor) divides, has \(shapeText(x.shape))")
            }
            let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / factor, x.shape[3] / factor)
            return x.reshape([n, c, h, factor, w, factor]).transpose([0, 1, 3, 5, 2, 4])
                .reshape([n, c * factor * factor, h, w])
        }
    }
}
