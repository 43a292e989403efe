/// (x − mean) / √(variance + ε) · weight + bias along the last axis (Ba, Kiros, Hinton 2016); the variance is the
/// biased one.
///
/// Operands: x [..., n], weight [n], bias [n].
public struct LayerNormalization: CompositeOperation, DifferentiableOperation {
    public static let name = "layer_norm"
    public static let kind = OperationKind.composite(.rowWise)
    /// What is added to variances, 0 at least.
    public var epsilon: Double
    /// The normalisation with what is added to variances.
    public init(epsilon: Double) { self.epsilon = epsilon }
    public var attributes: Attributes { [("epsilon", .number(epsilon))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        epsilon = try attributes.number("epsilon")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 3)
        try expectFloat(operands[0])
        guard epsilon >= 0, epsilon.isFinite else {
            throw error(.attribute, "epsilon \(epsilon) is not a number from 0 up")
        }
        guard let width = operands[0].shape.last else { throw error(.shape, "a scalar has no axis to normalise") }
        for operand in operands.dropFirst() where operand != operands[0].with(shape: [width]) {
            throw error(.shape, "weight and bias are \(operand), not \(operands[0].with(shape: [width]))")
        }
        return operands[0]
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(
            type,
            Softmax.rows(operands[0]).flatMap { row in
                let mean = row.reduce(0, +) / Double(row.count)
                let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(row.count)
                let scale = 1 / (variance + epsilon).squareRoot()
                return zip(row, zip(operands[1].values, operands[2].values)).map { ($0 - mean) * scale * $1.0 + $1.1 }
            })
    }

    /// The normalised rows and their inverse deviation; forward and backward pass build the same nodes, so they share
    /// them.
    private func normalized(_ x: Tensor) -> (rows: Tensor, inverseDeviation: Tensor) {
        let centred = x - mean(x, axes: [-1], keepAxes: true)
        let inverse = 1 / sqrt(mean(centred * centred, axes: [-1], keepAxes: true) + epsilon)
        return (centred * inverse, inverse)
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        normalized(operands[0]).rows * operands[1] + operands[2]
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let (rows, inverse) = normalized(context.operands[0])
        let scaled = context.seed * context.operands[1]
        let along = mean(scaled * rows, axes: [-1], keepAxes: true)
        let input = inverse * (scaled - mean(scaled, axes: [-1], keepAxes: true) - rows * along)
        let leading = Array(0..<rows.rank - 1)
        return [input, sum(context.seed * rows, axes: leading), sum(context.seed, axes: leading)]
    }
}

/// Layer normalisation along the last axis: x [..., n], weight [n], bias [n].
public func layerNormalization(
    _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Double, file: String = #fileID, line: Int = #line
) -> Tensor {
    x.builder.add(LayerNormalization(epsilon: epsilon), [x, weight, bias], location: x.builder.location(file, line))
}
