import ApusIR

/// Layers one after the other, with names of their own: a layer without a name is called by its position.
///
/// *Shapes*: as its layers say.
public struct Sequential: Layer {
    private let content: Chain
    /// The layers in braces.
    public init(@LayerBuilder _ content: () -> Chain) { self.content = content() }
    public func callAsFunction(_ x: Tensor) -> Tensor { content(x) }
}

/// x plus what the layers make of it (He, Zhang, Ren, Sun 2015). It adds nothing to the names of its layers.
///
/// Where the layers change the shape, a shortcut brings x to the same:
///
/// ```swift
/// Residual {
///     Conv2D(64, 128, kernel: 3, stride: 2, padding: 1).named("conv1")
/// } shortcut: {
///     Conv2D(64, 128, kernel: 1, stride: 2).named("downsample")
/// }
/// ```
///
/// *Shapes*: any -> the same, or what the layers and the shortcut make of it.
public struct Residual: TransparentLayer {
    private let layers: Chain, shortcut: Chain
    private let file: String, line: Int

    /// The layers in braces, which leave the shape as it is.
    public init(file: String = #fileID, line: Int = #line, @LayerBuilder _ layers: () -> Chain) {
        self.init(file: file, line: line, layers, shortcut: {})
    }

    /// The layers in braces, and those of a shortcut that makes x of the same shape.
    public init(
        file: String = #fileID, line: Int = #line, @LayerBuilder _ layers: () -> Chain,
        @LayerBuilder shortcut: () -> Chain
    ) {
        self.layers = layers()
        self.shortcut = shortcut()
        self.file = file
        self.line = line
    }

    var content: Chain { Chain(layers.elements + shortcut.elements) }

    func callAsFunction(_ x: Tensor, firstPosition: Int) -> Tensor {
        located(file, line) {
            let y = layers(x, firstPosition: firstPosition)
            let short = shortcut(x, firstPosition: firstPosition + layers.count)
            guard short.isValid, y.isValid, short.type != y.type else { return short + y }
            let other = shortcut.elements.isEmpty ? "\(x.type)" : "\(x.type), the shortcut \(short.type)"
            return x.mistake("Residual", "the layers make \(y.type) of \(other), which cannot be added")
        }
    }
}

/// Layers that all take the same tensor; their results are joined along an axis, or added up. A layer without a name is
/// called by its position.
///
/// *Shapes*: as its layers say; they differ along the axis only.
public struct Parallel: Layer {
    /// What becomes of the results.
    public enum Joining: Hashable, Sendable {
        /// They follow on each other along an axis.
        case concatenating(axis: Int = 1)
        /// They are added up, all being of one shape.
        case adding
    }
    /// What becomes of the results of the layers.
    public let joining: Joining
    private let branches: [Chain]
    private let file: String, line: Int

    /// The layers in braces, each of which is given the same tensor.
    public init(
        _ joining: Joining = .concatenating(), file: String = #fileID, line: Int = #line,
        @LayerBuilder _ content: () -> Chain
    ) {
        self.joining = joining
        branches = content().elements.map { Chain([$0]) }
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard !branches.isEmpty else { return x }
            var position = 0
            let results = branches.map { branch in
                defer { position += branch.count }
                return branch(x, firstPosition: position)
            }
            guard results.allSatisfy(\.isValid) else { return x.builder.invalid() }
            switch joining {
            case .concatenating(let axis): return concatenate(results, axis: axis)
            case .adding: return results.dropFirst().reduce(results[0], +)
            }
        }
    }
}

/// A layer for each element of a collection, one after the other: `ForEach(0..<12) { Block(index: $0) }`. As with
/// `for`, they count as layers of what they stand in.
///
/// *Shapes*: as its layers say.
public struct ForEach: TransparentLayer {
    let content: Chain

    /// What the braces give for each element, in order.
    public init<Elements: Sequence>(_ elements: Elements, @LayerBuilder _ layer: (Elements.Element) -> Chain) {
        content = Chain(elements.flatMap { layer($0).elements })
    }

    func callAsFunction(_ x: Tensor, firstPosition: Int) -> Tensor { content(x, firstPosition: firstPosition) }
}

/// A function of tensors as a layer: `Apply { x in x.slice(0..<1, axis: 1) }`.
///
/// *Shapes*: as the function says.
public struct Apply: Layer {
    private let function: (Tensor) -> Tensor
    /// The function as a layer; weights that it declares have the layer's name before theirs.
    public init(_ function: @escaping (Tensor) -> Tensor) { self.function = function }
    public func callAsFunction(_ x: Tensor) -> Tensor { function(x) }
}

/// All axes after the first as one.
///
/// *Shapes*: [n, ...] -> [n, product of the rest].
public struct Flatten: Layer {
    /// The layer, which has no options.
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.rank == 0 ? x : x.reshape([x.shape[0], x.shape.dropFirst().reduce(1, *)])
    }
}
