import ApusIR

/// x · weightᵀ + bias over the last axis, with the weights `weight` [out, in] and `bias` [out], as PyTorch's `Linear`.
///
/// `Linear(tiedTo: embedding)` multiplies by the table of an embedding in place of a weight of its own, as after
/// `head.weight = embedding.weight`.
///
/// *Shapes*: [..., in] -> [..., out].
public struct Linear: Layer {
    /// How many numbers come in and go out along the last axis, and whether there is a bias.
    public let input: Int, output: Int, hasBias: Bool
    private let initializer: Initializer?
    private let table: Named<Embedding>?
    private let file: String, line: Int

    /// - Parameter initializer: How `weight` starts, and `bias` with zeros; if nil, both as in PyTorch, uniform in
    ///   ±1/√in.
    public init(
        _ input: Int, _ output: Int, bias: Bool = true, initializer: Initializer? = nil,
        file: String = #fileID, line: Int = #line
    ) {
        self.input = input
        self.output = output
        hasBias = bias
        self.initializer = initializer
        table = nil
        self.file = file
        self.line = line
    }

    /// A score for each row of an embedding's table, which the layer shares: what it learns and what the embedding
    /// learns is one weight, with the embedding's name.
    ///
    /// - Parameters:
    ///   - embedding: The named value that is called in the same step, before this layer.
    ///   - bias: Whether there is a `bias` [count], which starts uniform in ±1/√dim.
    public init(tiedTo embedding: Named<Embedding>, bias: Bool = true, file: String = #fileID, line: Int = #line) {
        (input, output, table) = (embedding.layer.dim, embedding.layer.count, embedding)
        hasBias = bias
        initializer = nil
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            let start = Initializer.uniform(fanIn: input)
            guard let matrix = table == nil ? weight("weight", [output, input], initializer ?? start) : tied else {
                return x.mistake(
                    "Linear",
                    "is tied to the embedding '\(table?.name ?? "")', which was not called before in this step; call the same value, since .named(_:) makes a new one each time",
                    .structure)
            }
            return linear(
                x, weight: matrix,
                bias: hasBias ? weight("bias", [output], initializer == nil ? start : .zeros) : nil)
        }
    }

    /// The table of the embedding that the layer is tied to; nil if that was not called before.
    private var tied: Tensor? { table.flatMap { Trace.active.weight("weight", of: $0.identity) } }
}

/// x₁ᵀ · weightₒ · x₂ + biasₒ for each output o, of two inputs, with the weights `weight` [out, in1, in2] and `bias`
/// [out], as PyTorch's `Bilinear`. It is called with both: `scope("bilinear") { Bilinear(3, 4, 5)(a, b) }`.
///
/// *Shapes*: [..., in1] and [..., in2] -> [..., out].
public struct Bilinear: Sendable {
    /// How many numbers the two inputs have and how many come out along the last axis, and whether there is a bias.
    public let first: Int, second: Int, output: Int, hasBias: Bool
    private let file: String, line: Int

    /// The layer for inputs of so many numbers; its weights start as PyTorch's, uniform in ±1/√first.
    public init(
        _ first: Int, _ second: Int, _ output: Int, bias: Bool = true, file: String = #fileID, line: Int = #line
    ) {
        (self.first, self.second, self.output) = (first, second, output)
        hasBias = bias
        self.file = file
        self.line = line
    }

    /// The result for two inputs whose shapes differ in the last axis only.
    public func callAsFunction(_ x: Tensor, _ y: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid, y.isValid else { return x.isValid ? y : x }
            guard x.shape.last == first, y.shape.last == second, x.shape.dropLast() == y.shape.dropLast() else {
                return x.mistake(
                    "Bilinear",
                    "takes [...,\(first)] and [...,\(second)], has \(shapeText(x.shape)) and \(shapeText(y.shape))")
            }
            let start = Initializer.uniform(fanIn: first)
            let matrices = weight("weight", [output, first, second], start)
            let rows = x.reshape([-1, first]), others = y.reshape([-1, second])
            let products = dot(rows, matrices, contracting: [(1, 1)])  // [rows, out, in2]
            let sums = sum(products * others.expanded(1), axes: [2])
            let result = hasBias ? sums + weight("bias", [output], start) : sums
            return result.reshape(x.shape.dropLast() + [output])
        }
    }
}

extension Initializer {
    /// PyTorch's default for weights and biases: uniform in ±1/√n, where an output is computed from n numbers, the
    /// product of these.
    static func uniform(fanIn: Int...) -> Initializer { uniform(fanIn: fanIn) }

    static func uniform(fanIn: [Int]) -> Initializer {
        .uniform(bound: 1 / fanIn.map { Double(max($0, 1)) }.reduce(1, *).squareRoot())
    }
}
