import ApusIR

/// Collects the layers of a `body` or container into one ``Chain``; `if`, `switch` and `for` choose and repeat layers.
///
/// Every part has the same type, so long bodies are as quick to type-check as short ones.
@resultBuilder
public enum LayerBuilder {
    /// One layer.
    public static func buildExpression(_ layer: some Layer, file: String = #fileID, line: Int = #line) -> Chain {
        Chain([Chain.Element(layer: layer, file: file, line: line)])
    }
    /// Layers one after the other.
    public static func buildBlock(_ parts: Chain...) -> Chain { Chain(parts.flatMap(\.elements)) }
    /// The layers of an `if` without `else`; none where the condition is false.
    public static func buildOptional(_ part: Chain?) -> Chain { part ?? Chain([]) }
    /// The layers of the first branch of `if` and `else`, or of a `switch`.
    public static func buildEither(first part: Chain) -> Chain { part }
    /// The layers of the other branch.
    public static func buildEither(second part: Chain) -> Chain { part }
    /// The layers of all passes through a `for`.
    public static func buildArray(_ parts: [Chain]) -> Chain { Chain(parts.flatMap(\.elements)) }
    /// The layers of an `if #available`.
    public static func buildLimitedAvailability(_ part: Chain) -> Chain { part }
}

/// Layers that are applied one after the other; without any, the identity.
///
/// *Shapes*: as its layers say.
public struct Chain: Layer {
    struct Element {
        var layer: any Layer
        var file: String
        var line: Int
    }

    let elements: [Element]
    private let identity = Identity()

    init(_ elements: [Element]) { self.elements = elements }

    public func callAsFunction(_ x: Tensor) -> Tensor { callAsFunction(x, firstPosition: 0) }
}

/// A container whose layers count as layers of the chain that it stands in.
protocol TransparentLayer: Layer {
    var content: Chain { get }
    func callAsFunction(_ x: Tensor, firstPosition: Int) -> Tensor
}

extension TransparentLayer {
    public func callAsFunction(_ x: Tensor) -> Tensor { callAsFunction(x, firstPosition: 0) }
}

extension Chain: TransparentLayer {
    var content: Chain { self }

    /// Number of layers, those in transparent containers included.
    var count: Int {
        elements.reduce(0) { $0 + (($1.layer as? any TransparentLayer)?.content.count ?? 1) }
    }

    /// Applies the layers; those without a name get their position as name.
    func callAsFunction(_ x: Tensor, firstPosition: Int) -> Tensor {
        var (x, position) = (x, firstPosition)
        for element in elements {
            x = located(element.file, element.line) {
                switch element.layer {
                case let container as any TransparentLayer:
                    defer { position += container.content.count }
                    return container(x, firstPosition: position)
                case let layer as any NamedLayer:
                    position += 1
                    return layer(x)
                case let layer:
                    defer { position += 1 }
                    return Trace.active.inScope("\(position)", identity) { layer(x) }
                }
            }
        }
        return x
    }
}
