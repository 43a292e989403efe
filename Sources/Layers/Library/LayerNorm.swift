import ApusIR

/// Layer normalisation along the last axis (Ba, Kiros, Hinton 2016), with the weights `weight` [dim] and `bias` [dim].
///
/// *Shapes*: [..., dim] -> the same.
public struct LayerNorm: Layer {
    public let dim: Int, epsilon: Double
    private let file: String, line: Int

    public init(_ dim: Int, epsilon: Double = 1e-6, file: String = #fileID, line: Int = #line) {
        self.dim = dim
        self.epsilon = epsilon
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            layerNormalization(
                x, weight: weight("weight", [dim], .ones), bias: weight("bias", [dim], .zeros), epsilon: epsilon)
        }
    }
}
