/// A symbolic tensor: a handle of a value in a graph that is being built. Nothing is computed with it.
public struct Tensor {
    /// What builds the graph that the tensor belongs to.
    public let builder: GraphBuilder
    /// The node that computes it.
    public let value: Value

    package init(builder: GraphBuilder, value: Value) {
        self.builder = builder
        self.value = value
    }

    /// Whether this tensor came out of a correct operation; the builder knows what was wrong.
    public var isValid: Bool { value.index >= 0 }
    /// Type of the tensor; `f32[]` for an invalid one.
    public var type: TensorType { isValid ? builder.graph[value].type : TensorType(.f32, []) }
    /// The extents of its axes; empty for a scalar.
    public var shape: [Int] { type.shape }
    /// How many axes it has.
    public var rank: Int { type.rank }
    /// The type of its elements.
    public var element: ElementType { type.element }

    /// A constant of this tensor's element type, for use next to it.
    public func constant(_ number: Double, shape: [Int] = []) -> Tensor {
        builder.add(Constant(TensorType(element, shape), splat: number), [])
    }

    /// The axis counted from the front: -1 is the last one.
    package func axis(_ axis: Int) -> Int { axis < 0 ? axis + rank : axis }
}

/// Broadcasts two tensors to their common shape as NumPy does: shapes are aligned at the end, 1 stretches.
package func broadcastTogether(_ a: Tensor, _ b: Tensor, operation: String) -> (Tensor, Tensor) {
    guard a.isValid, b.isValid, a.shape != b.shape else { return (a, b) }
    let rank = max(a.rank, b.rank)
    var shape = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
        let x = axis < rank - a.rank ? 1 : a.shape[axis - (rank - a.rank)]
        let y = axis < rank - b.rank ? 1 : b.shape[axis - (rank - b.rank)]
        guard x == y || x == 1 || y == 1 else {
            let bad = a.builder.report(
                GraphError(
                    .shape, operation: operation,
                    "shapes \(shapeText(a.shape)) and \(shapeText(b.shape)) cannot be broadcast together: \(x) and \(y) differ in axis \(axis)",
                    location: a.builder.location))
            return (bad, bad)
        }
        shape[axis] = max(x, y)
    }
    return (a.broadcast(to: shape), b.broadcast(to: shape))
}

extension Tensor {
    /// Adds an element-wise operation on two tensors after broadcasting them.
    package func binary(_ operation: some Operation, _ other: Tensor) -> Tensor {
        let (a, b) = broadcastTogether(self, other, operation: operation.name)
        return builder.add(operation, [a, b])
    }
}

extension Tensor {
    /// What a function of this tensor that users call is made of; see ``GraphBuilder/attributing(to:at:_:)``.
    package func within(
        _ function: String, at location: SourceLocation? = nil, _ body: () -> Tensor
    ) -> Tensor {
        builder.attributing(to: function, at: location, body)
    }

    /// Reports a mistake in the use of this tensor, and stands in for the result: tracing goes on, and throws all
    /// mistakes together.
    ///
    /// The mistake is where the layer that is being called was written, with its path; see also
    /// `located(_:_:_:)` for layers that keep the place of their `init`.
    ///
    /// - Parameters:
    ///   - operation: The layer or function that says so, such as `EveryOther`.
    ///   - message: What it takes, and what it was given.
    ///   - location: Where it was written, if that is another place.
    public func mistake(
        _ operation: String, _ message: String, _ code: GraphError.Code = .shape, at location: SourceLocation? = nil
    ) -> Tensor {
        builder.report(GraphError(code, operation: operation, message, location: location ?? builder.location))
    }
}
