import ApusIR

/// A part of a model: a function from one symbolic tensor to another that declares weights of its own.
///
/// A layer is written in one of two ways. Where data flows straight, declare a `body`:
///
/// ```swift
/// struct Perceptron: Layer {  // [batch, dim] -> the same
///     let dim: Int
///     var body: some Layer {
///         Linear(dim, 4 * dim).named("fc1")
///         GELU()
///         Linear(4 * dim, dim).named("fc2")
///     }
/// }
/// ```
///
/// Where it does not, implement `callAsFunction`, declare weights with ``weight(_:_:_:_:trainable:file:line:)`` and
/// compute with operators and functions on tensors. How weights get their names is told at
/// ``Layer/named(_:file:line:)``.
public protocol Layer {
    /// The type of the body; `NoBody` for a layer that implements `callAsFunction`.
    associatedtype Body: Layer = NoBody
    /// The layers that this one is made of, applied one after the other.
    @LayerBuilder var body: Body { get }
    /// The result for a symbolic tensor; nothing is computed yet.
    func callAsFunction(_ x: Tensor) -> Tensor
}

extension Layer {
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard Body.self != NoBody.self else {
            return x.builder.report(
                GraphError(
                    .structure, "\(Self.self) has neither a body nor a callAsFunction(_:)", location: x.builder.location
                ))
        }
        return body(x)
    }
}

extension Layer where Body == NoBody {
    /// A layer that implements `callAsFunction` has no body; nobody asks for it.
    public var body: NoBody { NoBody() }
}

/// The body of a layer that implements `callAsFunction` instead. Called itself, it is a mistake that the graph reports.
public struct NoBody: Layer {}
