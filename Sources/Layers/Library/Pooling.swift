import ApusIR

/// PyTorch's `MaxPool1d`; see ``MaxPool``.
public typealias MaxPool1D = MaxPool<OneAxis>
/// PyTorch's `MaxPool2d`; see ``MaxPool``.
public typealias MaxPool2D = MaxPool<TwoAxes>
/// PyTorch's `MaxPool3d`; see ``MaxPool``.
public typealias MaxPool3D = MaxPool<ThreeAxes>

/// PyTorch's `AvgPool1d`; see ``AveragePool``.
public typealias AvgPool1D = AveragePool<OneAxis>
/// PyTorch's `AvgPool2d`; see ``AveragePool``.
public typealias AvgPool2D = AveragePool<TwoAxes>
/// PyTorch's `AvgPool3d`; see ``AveragePool``.
public typealias AvgPool3D = AveragePool<ThreeAxes>

/// PyTorch's `AdaptiveAvgPool1d`; see ``AdaptiveAveragePool``.
public typealias AdaptiveAvgPool1D = AdaptiveAveragePool<OneAxis>
/// PyTorch's `AdaptiveAvgPool2d`; see ``AdaptiveAveragePool``.
public typealias AdaptiveAvgPool2D = AdaptiveAveragePool<TwoAxes>
/// PyTorch's `AdaptiveAvgPool3d`; see ``AdaptiveAveragePool``.
public typealias AdaptiveAvgPool3D = AdaptiveAveragePool<ThreeAxes>

/// PyTorch's `AdaptiveMaxPool1d`; see ``AdaptiveMaxPool``.
public typealias AdaptiveMaxPool1D = AdaptiveMaxPool<OneAxis>
/// PyTorch's `AdaptiveMaxPool2d`; see ``AdaptiveMaxPool``.
public typealias AdaptiveMaxPool2D = AdaptiveMaxPool<TwoAxes>
/// PyTorch's `AdaptiveMaxPool3d`; see ``AdaptiveMaxPool``.
public typealias AdaptiveMaxPool3D = AdaptiveMaxPool<ThreeAxes>

/// The largest element of each window; the gradient goes to the first of equal ones.
///
/// *Shapes*: [n, c, spatial...] -> [n, c, (extent + 2 · padding − dilation · (size − 1) − 1) / stride + 1...], rounded
/// up in ceil mode, as long as the last window begins before the padding after the images.
public struct MaxPool<Axes: SpatialAxes>: Layer {
    /// Extents of a window, distances of the windows, padding on both sides, and distances of a window's elements.
    public let size: any PerAxis, stride: any PerAxis, padding: any PerAxis, dilation: any PerAxis
    /// Whether a last window may run over the end of the images and their padding.
    public let ceilMode: Bool
    private let file: String, line: Int

    /// - Parameters:
    ///   - stride: Distance of the windows; their size if nil.
    ///   - ceilMode: Whether a last window may run over the end of the images and their padding, if it begins before
    ///     the padding there.
    public init(
        _ size: any PerAxis, stride: (any PerAxis)? = nil, padding: any PerAxis = 0, dilation: any PerAxis = 1,
        ceilMode: Bool = false, file: String = #fileID, line: Int = #line
    ) {
        (self.size, self.stride, self.padding, self.dilation) = (size, stride ?? size, padding, dilation)
        self.ceilMode = ceilMode
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            ofAxes(Axes.self, x, layer: "MaxPool\(Axes.count)D") { x in
                maximumPooling(
                    x, size: size, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
            }
        }
    }
}

/// The mean of each window.
///
/// *Shapes*: [n, c, spatial...] -> [n, c, (extent + 2 · padding − size) / stride + 1...], rounded up in ceil mode, as
/// long as the last window begins before the padding after the images.
public struct AveragePool<Axes: SpatialAxes>: Layer {
    /// Extents of a window, distances of the windows, zeros on both sides, and whether these count.
    public let size: any PerAxis, stride: any PerAxis, padding: any PerAxis, countsPadding: Bool
    /// Whether a last window may run over the end of the images and their padding.
    public let ceilMode: Bool
    private let file: String, line: Int

    /// - Parameters:
    ///   - stride: Distance of the windows; their size if nil.
    ///   - countsPadding: Whether the zeros around the images count as elements.
    ///   - ceilMode: Whether a last window may run over the end of the images and their padding, if it begins before
    ///     the padding there; what lies beyond the padding never counts as elements.
    public init(
        _ size: any PerAxis, stride: (any PerAxis)? = nil, padding: any PerAxis = 0, countsPadding: Bool = true,
        ceilMode: Bool = false, file: String = #fileID, line: Int = #line
    ) {
        (self.size, self.stride, self.padding) = (size, stride ?? size, padding)
        self.countsPadding = countsPadding
        self.ceilMode = ceilMode
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            ofAxes(Axes.self, x, layer: "AvgPool\(Axes.count)D") { x in
                averagePooling(
                    x, size: size, stride: stride, padding: padding, countsPadding: countsPadding, ceilMode: ceilMode)
            }
        }
    }
}

/// The means of windows that share the spatial axes out.
///
/// *Shapes*: [n, c, spatial...] -> [n, c, size...].
public struct AdaptiveAveragePool<Axes: SpatialAxes>: Layer {
    /// The extents that come out.
    public let size: any PerAxis
    private let file: String, line: Int

    /// The layer with the extents that come out, a number for all axes or one for each.
    public init(_ size: any PerAxis, file: String = #fileID, line: Int = #line) {
        self.size = size
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            ofAxes(Axes.self, x, layer: "AdaptiveAvgPool\(Axes.count)D") { adaptiveAveragePooling($0, size: size) }
        }
    }
}

/// The largest elements of windows that share the spatial axes out.
///
/// *Shapes*: [n, c, spatial...] -> [n, c, size...].
public struct AdaptiveMaxPool<Axes: SpatialAxes>: Layer {
    /// The extents that come out.
    public let size: any PerAxis
    private let file: String, line: Int

    /// The layer with the extents that come out, a number for all axes or one for each.
    public init(_ size: any PerAxis, file: String = #fileID, line: Int = #line) {
        self.size = size
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            ofAxes(Axes.self, x, layer: "AdaptiveMaxPool\(Axes.count)D") { adaptiveMaximumPooling($0, size: size) }
        }
    }
}

/// The mean of each channel.
///
/// *Shapes*: [n, c, spatial...] -> [n, c].
public struct GlobalAveragePool: Layer {
    private let file: String, line: Int

    /// The layer, which has no options.
    public init(file: String = #fileID, line: Int = #line) {
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid, x.rank < 3 else { return mean(x, axes: Array(2..<max(x.rank, 2))) }
            return x.mistake("GlobalAveragePool", "takes [n,c,spatial...], has \(shapeText(x.shape))")
        }
    }
}

/// What a function makes of x, if x has a layer's number of spatial axes.
private func ofAxes<Axes: SpatialAxes>(
    _ axes: Axes.Type, _ x: Tensor, layer: String, _ function: (Tensor) -> Tensor
) -> Tensor {
    guard x.isValid, x.rank != Axes.count + 2 else { return function(x) }
    return x.mistake(layer, "takes [n,c,\(Axes.names)], has \(shapeText(x.shape))")
}
