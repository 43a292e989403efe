import ApusIR

/// x · weightᵀ + bias over the last axis, with the weights `weight` [out, in] and `bias` [out].
///
/// *Shapes*: [..., in] -> [..., out].
public struct Linear: Layer {
    public let input: Int, output: Int, hasBias: Bool
    private let initializer: Initializer
    private let file: String, line: Int

    /// - Parameter initializer: How `weight` starts; `bias` starts with zeros.
    public init(
        _ input: Int, _ output: Int, bias: Bool = true, initializer: Initializer = .xavierUniform,
        file: String = #fileID, line: Int = #line
    ) {
        self.input = input
        self.output = output
        hasBias = bias
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            let matrix = weight("weight", [output, input], initializer)
            return linear(x, weight: matrix, bias: hasBias ? weight("bias", [output], .zeros) : nil)
        }
    }
}
