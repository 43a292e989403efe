import ApusIR

/// Stochastic depth (Huang et al. 2016) as timm's `DropPath`: in training, a branch is dropped for an image with the
/// chance `rate`, and divided by the chance to be kept where it is kept. Inference does without this layer.
///
/// Which images are dropped follows from the key, i32[2] (usually seed and step), and the stream, which tells apart the
/// draws that share a key.
///
/// *Shapes*: [batch, ...] -> the same.
public struct DropPath: Layer {
    public let rate: Double, stream: Int
    private let key: Tensor
    private let file: String, line: Int

    /// - Parameter rate: The chance to be dropped, in 0..<1; others are a mistake that the graph reports.
    public init(_ rate: Double, key: Tensor, stream: Int, file: String = #fileID, line: Int = #line) {
        (self.rate, self.key, self.stream) = (rate, key, stream)
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard (0..<1).contains(rate) else {
                return x.builder.report(
                    GraphError(
                        .attribute, operation: "DropPath", "the rate \(rate) is not in 0..<1",
                        location: x.builder.location))
            }
            guard let batch = x.shape.first else {
                return x.builder.report(
                    GraphError(
                        .shape, operation: "DropPath", "takes [batch,...], has a scalar", location: x.builder.location))
            }
            let uniform = randomUniform([batch], key: key, stream: stream)
            let isKept = less(uniform, uniform.constant(1 - rate))
            let factor = select(isKept, uniform.constant(1 / (1 - rate)), uniform.constant(0))
            return x * factor.reshape([batch] + x.shape.dropFirst().map { _ in 1 })
        }
    }
}
