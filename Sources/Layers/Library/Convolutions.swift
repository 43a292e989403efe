import ApusIR

/// A two-dimensional convolution, with the weights `weight` [out, in, kernel, kernel] and `bias` [out].
///
/// *Shapes*: [n, in, h, w] -> [n, out, (h + 2 · padding − kernel) / stride + 1, the same of w].
public struct Conv2D: Layer {
    public let input: Int, output: Int, kernel: Int, stride: Int, padding: Int, hasBias: Bool
    private let file: String, line: Int

    public init(
        _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        file: String = #fileID, line: Int = #line
    ) {
        self.input = input
        self.output = output
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        hasBias = bias
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            let filters = weight("weight", [output, input, kernel, kernel], .xavierUniform)
            let y = convolution2D(x, kernel: filters, stride: stride, padding: padding)
            return hasBias ? y + weight("bias", [output], .zeros).reshape([output, 1, 1]) : y
        }
    }
}

/// Enlarges images by bilinear interpolation with aligned corners, then convolves them with a kernel of an odd side,
/// padded to the same size; the weights are `weight` [out, in, kernel, kernel] and `bias` [out], as those of a
/// convolution. See ``UpsampledConvolution``.
///
/// *Shapes*: [n, h, w, in] -> [n, height, width, out], channels last; without a size, as large as the images.
public struct UpsampledConv2D: Layer {
    public let input: Int, output: Int, kernel: Int, height: Int?, width: Int?
    private let file: String, line: Int

    public init(
        _ input: Int, _ output: Int, kernel: Int, height: Int? = nil, width: Int? = nil, file: String = #fileID,
        line: Int = #line
    ) {
        self.input = input
        self.output = output
        self.kernel = kernel
        self.height = height
        self.width = width
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            // PyTorch's default for convolutions: uniform by the number of inputs of an output.
            let bound = 1 / Double(input * kernel * kernel).squareRoot()
            let filters = weight("weight", [output, input, kernel, kernel], .uniform(bound: bound))
            return upsampledConvolution2D(x, kernel: filters, height: height, width: width)
                + weight("bias", [output], .uniform(bound: bound))
        }
    }
}

/// Resizes images by bilinear interpolation with aligned corners.
///
/// *Shapes*: [n, c, h, w] -> [n, c, height, width].
public struct BilinearResize2D: Layer {
    public let height: Int, width: Int
    private let file: String, line: Int

    public init(height: Int, width: Int, file: String = #fileID, line: Int = #line) {
        self.height = height
        self.width = width
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { bilinearResized2D(x, height: height, width: width) }
    }
}

/// The largest element of each window.
///
/// *Shapes*: [n, c, h, w] -> [n, c, (h − size) / stride + 1, the same of w].
public struct MaxPool2D: Layer {
    public let size: Int, stride: Int
    private let file: String, line: Int

    /// - Parameter stride: Distance of the windows; their size if nil.
    public init(_ size: Int, stride: Int? = nil, file: String = #fileID, line: Int = #line) {
        self.size = size
        self.stride = stride ?? size
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { maximumPooling2D(x, size: size, stride: stride) }
    }
}

/// The mean of each window.
///
/// *Shapes*: [n, c, h, w] -> [n, c, (h − size) / stride + 1, the same of w].
public struct AveragePool2D: Layer {
    public let size: Int, stride: Int
    private let file: String, line: Int

    /// - Parameter stride: Distance of the windows; their size if nil.
    public init(_ size: Int, stride: Int? = nil, file: String = #fileID, line: Int = #line) {
        self.size = size
        self.stride = stride ?? size
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { averagePooling2D(x, size: size, stride: stride) }
    }
}

/// The mean of each channel.
///
/// *Shapes*: [n, c, h, w] -> [n, c].
public struct GlobalAveragePool2D: Layer {
    private let file: String, line: Int

    public init(file: String = #fileID, line: Int = #line) {
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { mean(x, axes: [2, 3]) }
    }
}
