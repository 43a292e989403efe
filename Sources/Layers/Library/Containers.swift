import ApusIR

/// Layers one after the other, with names of their own: a layer without a name is called by its position.
///
/// *Shapes*: as its layers say.
public struct Sequential: Layer {
    private let content: Chain
    public init(@LayerBuilder _ content: () -> Chain) { self.content = content() }
    public func callAsFunction(_ x: Tensor) -> Tensor { content(x) }
}

/// x plus what the layers make of it (He, Zhang, Ren, Sun 2015). It adds nothing to the names of its layers.
///
/// *Shapes*: any -> the same.
public struct Residual: TransparentLayer {
    let content: Chain
    private let file: String, line: Int

    public init(file: String = #fileID, line: Int = #line, @LayerBuilder _ content: () -> Chain) {
        self.content = content()
        self.file = file
        self.line = line
    }

    func callAsFunction(_ x: Tensor, firstPosition: Int) -> Tensor {
        located(file, line) {
            let y = content(x, firstPosition: firstPosition)
            guard x.isValid, y.isValid, x.type != y.type else { return x + y }
            return x.builder.report(
                GraphError(
                    .shape, operation: "Residual", "the layers make \(y.type) of \(x.type), which cannot be added",
                    location: x.builder.location))
        }
    }
}

/// A function of tensors as a layer: `Apply { x in x.slice(0..<1, axis: 1) }`.
///
/// *Shapes*: as the function says.
public struct Apply: Layer {
    private let function: (Tensor) -> Tensor
    public init(_ function: @escaping (Tensor) -> Tensor) { self.function = function }
    public func callAsFunction(_ x: Tensor) -> Tensor { function(x) }
}

/// All axes after the first as one.
///
/// *Shapes*: [n, ...] -> [n, product of the rest].
public struct Flatten: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.rank == 0 ? x : x.reshape([x.shape[0], x.shape.dropFirst().reduce(1, *)])
    }
}
