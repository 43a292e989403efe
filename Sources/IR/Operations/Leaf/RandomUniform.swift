/// Uniform random numbers in the open interval (0, 1), a pure function of a key, a stream and the element's position.
///
/// The operand is the key, i32[2] (usually seed and step). Element i is the first word of
/// `Philox.block(counter: (i, stream, 0, 0), key: key)`.
public struct RandomUniform: Operation, NonDifferentiableOperation {
    public static let name = "random_uniform"
    public static let kind = OperationKind.generated
    /// The shape of the result.
    public var shape: [Int]
    /// Tells apart the draws of one program that share a key.
    public var stream: Int

    /// Numbers of a shape from a stream, which no other draw of the graph should have.
    public init(shape: [Int], stream: Int) {
        self.shape = shape
        self.stream = stream
    }

    public var attributes: Attributes { [("shape", .integers(shape)), ("stream", .integer(stream))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        shape = try attributes.integers("shape")
        stream = try attributes.integer("stream")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        guard operands[0] == TensorType(.i32, [2]) else { throw error(.shape, "the key is \(operands[0]), not i32[2]") }
        guard stream >= 0, stream <= Int(UInt32.max) else {
            throw error(.attribute, "stream \(stream) is not a 32-bit number")
        }
        guard !isShape(shape) || shape.reduce(1, *) <= 1 << 32 else {
            throw error(.shape, "\(shapeText(shape)) has more elements than a 32-bit counter numbers")
        }
        return TensorType(.f32, shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let words = operands[0].values.map { UInt32(bitPattern: Int32($0)) }
        let values = (0..<type.count).map { index in
            let block = Philox.block(counter: (UInt32(index), UInt32(stream), 0, 0), key: (words[0], words[1]))
            return Double(Philox.uniform(block.0))
        }
        return HostTensor(type, values)
    }
}

/// Uniform random numbers in (0, 1) of a shape; `stream` tells apart the draws that share a key (i32[2]).
public func randomUniform(_ shape: [Int], key: Tensor, stream: Int) -> Tensor {
    key.builder.add(RandomUniform(shape: shape, stream: stream), [key])
}
