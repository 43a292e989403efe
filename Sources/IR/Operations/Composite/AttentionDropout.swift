/// What training drops of the probabilities of attention (Srivastava et al. 2014): each is kept with a chance and
/// divided by it, or is 0.
///
/// A probability is kept where the number of `RandomUniform` of the scores' shape [..., n, m] is less than the chance.
/// The last operand of attention with dropout is the key of those numbers, i32[2]. They are drawn again for gradients,
/// so that nothing is stored for them.
public struct AttentionDropout: Hashable, Sendable {
    /// The chance of a probability to be kept, in (0, 1).
    public var keep: Double
    /// Tells apart the draws of one program that share a key.
    public var stream: Int

    /// Dropout that keeps a probability with some chance, by a stream that no other draw of the graph should have.
    public init(keep: Double, stream: Int) {
        self.keep = keep
        self.stream = stream
    }

    /// What random numbers, which are of f32, are compared with.
    package var threshold: Double { Double(Float(keep)) }
    /// What probabilities that are kept are multiplied by.
    package var factor: Double { 1 / keep }

    var attributes: Attributes { [("keep", .number(keep)), ("stream", .integer(stream))] }
    init?(_ attributes: Attributes) throws(GraphError) {
        guard attributes.contains(where: { $0.name == "keep" || $0.name == "stream" }) else { return nil }
        keep = try attributes.number("keep")
        stream = try attributes.integer("stream")
    }

    /// Fails unless the probabilities of scores of a shape can be drawn for.
    func check(_ key: TensorType, scores shape: [Int], _ operation: some Operation) throws(GraphError) {
        guard keep > 0, keep < 1 else {
            throw operation.error(.attribute, "keeps probabilities with the chance \(keep), which is not in (0, 1)")
        }
        guard isShape(shape) else {
            throw operation.error(.shape, "the scores \(shapeText(shape)) are too many to draw for")
        }
        do { _ = try RandomUniform(shape: shape, stream: stream).inferType([key]) } catch {
            throw operation.error(error.code, error.message)
        }
    }

    /// What is left of probabilities, or their gradients, by the interpreter.
    func dropped(_ x: HostTensor, key: HostTensor) -> HostTensor {
        let drawn = RandomUniform(shape: x.shape, stream: stream).evaluate([key], type: TensorType(.f32, x.shape))
        return HostTensor(x.type, zip(x.values, drawn.values).map { $1 < threshold ? $0 * factor : 0 })
    }

    /// What is left of probabilities, or their gradients, of primitives.
    package func dropped(_ x: Tensor, key: Tensor) -> Tensor {
        let drawn = randomUniform(x.shape, key: key, stream: stream)
        return select(less(drawn, drawn.constant(threshold)), x * factor, x.constant(0))
    }
}
