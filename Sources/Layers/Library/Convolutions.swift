import ApusIR

/// How many spatial axes a layer has; ``OneAxis``, ``TwoAxes`` or ``ThreeAxes``.
public protocol SpatialAxes: Sendable {
    /// The names of the axes in messages, with commas between them.
    static var names: String { get }
    /// How many axes there are.
    static var count: Int { get }
}

/// Sequences: [n, c, length].
public enum OneAxis: SpatialAxes {
    public static let names = "length", count = 1
}
/// Images: [n, c, height, width].
public enum TwoAxes: SpatialAxes {
    public static let names = "height,width", count = 2
}
/// Volumes: [n, c, depth, height, width].
public enum ThreeAxes: SpatialAxes {
    public static let names = "depth,height,width", count = 3
}

/// A convolution along one axis, as PyTorch's `Conv1d`; see ``Convolution``.
public typealias Conv1D = Convolution<OneAxis>
/// A convolution along two axes, as PyTorch's `Conv2d`; see ``Convolution``.
public typealias Conv2D = Convolution<TwoAxes>
/// A convolution along three axes, as PyTorch's `Conv3d`; see ``Convolution``.
public typealias Conv3D = Convolution<ThreeAxes>
/// A transposed convolution along one axis, as PyTorch's `ConvTranspose1d`; see ``TransposedConvolution``.
public typealias ConvTranspose1D = TransposedConvolution<OneAxis>
/// A transposed convolution along two axes, as PyTorch's `ConvTranspose2d`; see ``TransposedConvolution``.
public typealias ConvTranspose2D = TransposedConvolution<TwoAxes>
/// A transposed convolution along three axes, as PyTorch's `ConvTranspose3d`; see ``TransposedConvolution``.
public typealias ConvTranspose3D = TransposedConvolution<ThreeAxes>

/// A convolution, with the weights `weight` [out, in / groups, kernel...] and `bias` [out].
///
/// Kernel, stride, padding and dilation are a number for all axes or one for each: `kernel: [3, 5]`.
///
/// *Shapes*: [n, in, spatial...] -> [n, out, (extent + 2 · padding − dilation · (kernel − 1) − 1) / stride + 1...].
public struct Convolution<Axes: SpatialAxes>: Layer {
    /// Channels that come in and go out, groups that these are divided into, and whether there is a bias.
    public let input: Int, output: Int, groups: Int, hasBias: Bool
    /// Extents of the kernel, steps between its places, zeros on both sides, and distances of the kernel's elements.
    public let kernel: any PerAxis, stride: any PerAxis, padding: any PerAxis, dilation: any PerAxis
    private let initializer: Initializer?
    private let file: String, line: Int

    /// The layer for so many channels in and out, which `groups` divides; its defaults are PyTorch's.
    ///
    /// - Parameter initializer: How `weight` starts, and `bias` with zeros; if nil, both as in PyTorch.
    public init(
        _ input: Int, _ output: Int, kernel: any PerAxis, stride: any PerAxis = 1, padding: any PerAxis = 0,
        dilation: any PerAxis = 1, groups: Int = 1, bias: Bool = true, initializer: Initializer? = nil,
        file: String = #fileID, line: Int = #line
    ) {
        (self.input, self.output, self.kernel, self.groups) = (input, output, kernel, groups)
        (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
        hasBias = bias
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard
                let sizes = kernelSizes(
                    Axes.self, x, kernel, input: input, output: output, groups: groups, layer: "Conv\(Axes.count)D")
            else { return x.builder.invalid() }
            let start = Initializer.uniform(fanIn: [input / groups] + sizes)
            let filters = weight("weight", [output, input / groups] + sizes, initializer ?? start)
            let y = convolution(
                x, kernel: filters, stride: stride, padding: padding, dilation: dilation, groups: groups)
            return hasBias ? y + channelBias(output, Axes.self, initializer == nil ? start : .zeros) : y
        }
    }
}

/// A transposed convolution, which enlarges by its stride, with the weights `weight` [in, out / groups, kernel...] and
/// `bias` [out].
///
/// Kernel, stride, paddings and dilation are a number for all axes or one for each.
///
/// *Shapes*: [n, in, spatial...] -> [n, out, (extent − 1) · stride − 2 · padding + dilation · (kernel − 1) +
/// outputPadding + 1...].
public struct TransposedConvolution<Axes: SpatialAxes>: Layer {
    /// Channels that come in and go out, groups that these are divided into, and whether there is a bias.
    public let input: Int, output: Int, groups: Int, hasBias: Bool
    /// Extents of the kernel, the factor by which it enlarges, and what is cut off or added at the edges.
    public let kernel: any PerAxis, stride: any PerAxis, padding: any PerAxis, outputPadding: any PerAxis
    /// Distances of the kernel's elements.
    public let dilation: any PerAxis
    private let initializer: Initializer?
    private let file: String, line: Int

    /// The layer for so many channels in and out, which `groups` divides; its defaults are PyTorch's.
    ///
    /// - Parameter initializer: How `weight` starts, and `bias` with zeros; if nil, both as in PyTorch.
    public init(
        _ input: Int, _ output: Int, kernel: any PerAxis, stride: any PerAxis = 1, padding: any PerAxis = 0,
        outputPadding: any PerAxis = 0, dilation: any PerAxis = 1, groups: Int = 1, bias: Bool = true,
        initializer: Initializer? = nil, file: String = #fileID, line: Int = #line
    ) {
        (self.input, self.output, self.kernel, self.groups) = (input, output, kernel, groups)
        (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
        self.dilation = dilation
        hasBias = bias
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard
                let sizes = kernelSizes(
                    Axes.self, x, kernel, input: input, output: output, groups: groups,
                    layer: "ConvTranspose\(Axes.count)D")
            else { return x.builder.invalid() }
            // PyTorch takes the second axis of the weight for that of the inputs.
            let start = Initializer.uniform(fanIn: [output / groups] + sizes)
            let filters = weight("weight", [input, output / groups] + sizes, initializer ?? start)
            let y = transposedConvolution(
                x, kernel: filters, stride: stride, padding: padding, outputPadding: outputPadding,
                dilation: dilation, groups: groups)
            return hasBias ? y + channelBias(output, Axes.self, initializer == nil ? start : .zeros) : y
        }
    }
}

/// The sizes of a kernel for x; nil, and the mistake reported, if they do not fit.
private func kernelSizes<Axes: SpatialAxes>(
    _ axes: Axes.Type, _ x: Tensor, _ kernel: any PerAxis, input: Int, output: Int, groups: Int, layer: String
) -> [Int]? {
    func mistake(_ message: String, _ code: GraphError.Code) -> [Int]? {
        _ = x.mistake(layer, message, code)
        return nil
    }
    guard input > 0, output > 0, groups > 0, input % groups == 0, output % groups == 0 else {
        return mistake("\(groups) groups do not divide \(input) channels to \(output)", .attribute)
    }
    guard x.rank == Axes.count + 2, x.shape[1] == input else {
        return mistake("takes [n,\(input),\(Axes.names)], has \(shapeText(x.shape))", .shape)
    }
    guard let sizes = kernel.values(axes: Axes.count), sizes.allSatisfy({ 1...largestElementCount ~= $0 }) else {
        return mistake("a kernel of \(perAxisText(kernel)) is none for \(Axes.count) axes", .attribute)
    }
    return sizes
}

private func channelBias<Axes: SpatialAxes>(_ count: Int, _ axes: Axes.Type, _ start: Initializer) -> Tensor {
    weight("bias", [count], start).reshape([count] + Array(repeating: 1, count: Axes.count))
}

/// Enlarges images by bilinear interpolation with aligned corners, then convolves them with a kernel of an odd side,
/// padded to the same size; the weights are `weight` [out, in, kernel, kernel] and `bias` [out], as those of a
/// convolution. See ``UpsampledConvolution``.
///
/// *Shapes*: [n, h, w, in] -> [n, height, width, out], channels last; without a size, as large as the images.
public struct UpsampledConv2D: Layer {
    /// Channels that come in and go out, the side of the kernel, and the size of what comes out; nil leaves it.
    public let input: Int, output: Int, kernel: Int, height: Int?, width: Int?
    private let file: String, line: Int

    /// The layer for so many channels in and out, with a kernel of an odd side.
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
            let start = Initializer.uniform(fanIn: input, kernel, kernel)
            let filters = weight("weight", [output, input, kernel, kernel], start)
            return upsampledConvolution2D(x, kernel: filters, height: height, width: width)
                + weight("bias", [output], start)
        }
    }
}
