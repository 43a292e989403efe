import Apus
import Testing

/// Layers whose matmuls, convolutions and attention compute in bf16, against PyTorch's autocast: the result, and
/// gradients of inputs and weights.
@Suite struct TorchBFloat16Tests {
    /// A number in bf16 has 8 bits of significand: rounding is off by up to 2⁻⁹, 0.2 % of it. Both sides round operands
    /// and sum up in f32, but PyTorch rounds the result of each layer to bf16, and so the gradients between layers,
    /// where here only what is stored is rounded. Errors of terms cancel in sums, so that a result differs by about one
    /// rounding of the largest number for each of the up to three layers that it went through, and a gradient goes
    /// through all of them twice: in parts of the largest number, up to four and eight roundings. (Found are 0.5 % and
    /// 1 %, with six steps of a recurrent layer.)
    private static let tolerance = (result: Float(8e-3), gradient: Float(1.6e-2))

    private static let cases: [TorchCase] = [
        .layer("linear") { Linear(48, 24) },
        .layer("perceptron") {
            Sequential {
                LayerNorm(24)
                Linear(24, 48)
                GELU()
                Linear(48, 24)
            }
        },
        .layer("conv2d") { Conv2D(6, 8, kernel: 3, stride: 2, padding: 1) },
        .layer("conv2d_grouped") { Conv2D(8, 8, kernel: 3, padding: 1, groups: 2) },
        .layer("conv_transpose2d") { ConvTranspose2D(8, 4, kernel: 2, stride: 2) },
        .layer("conv_norm") {
            Sequential {
                Conv2D(3, 8, kernel: 3, bias: false)
                BatchNorm(8)
                ReLU()
                Conv2D(8, 4, kernel: 3, padding: 1)
            }
        },
        .layer("layer_norm") {
            Sequential {
                Linear(16, 32, bias: false)
                LayerNorm(32)
            }
        },
        .inputs("attention") { x in attention(queries: x[0], keys: x[1], values: x[2]) },
        .inputs("attention_causal") { x in
            attention(queries: x[0], keys: x[1], values: x[2], masks: [.causal])
        },
        .layer("multihead") { MultiheadAttention(32, heads: 4) },
        .inputs("embedding_tied") { x in
            let embedding = Embedding(7, 4).named("embedding")
            return Linear(tiedTo: embedding).named("head")(tanh(embedding(x[0])))
        },
        .layer("gru") { GRU(16, 12) }, .layer("lstm") { LSTM(16, 12) },
    ]

    @Test func everyRecordedCaseIsTested() throws {
        #expect(try TorchRecording("bf16").cases == Set(Self.cases.map(\.name)))
    }

    private typealias Numbers = [String: [Float]]

    /// The result and the gradients of a recorded case, computed in a precision.
    private func compute(_ test: TorchCase, _ recording: TorchRecording, _ precision: Compiler.Precision) throws
        -> Numbers
    {
        let name = test.name
        func recorded(_ part: String) throws -> TensorData { try recording.tensor("\(name)/\(part)") }
        let inputs = try recording.names(name, "input").map { ($0, try recorded("input.\($0)")) }
        let weighting = try recorded("weighting")
        var options = CompilerOptions()
        options.precision = precision
        let step = test.step(inputs, weighting, learningRate: 0)
        let program = try Compiler(options, threads: 1).compile(step, [.update, .output])
        let state = try program.makeState(seed: 0)
        for (name, data) in inputs where data.type.element != .i32 { try state.write("input.\(name)", data) }
        for weight in recording.names(name, "weight") { try state.write(weight, recorded("weight.\(weight)")) }
        var given = ["weighting": weighting]
        for (name, data) in inputs where data.type.element == .i32 { given[name] = data }
        return try program.run(state, given).outputs.mapValues(\.floats)
    }

    @Test(arguments: cases) func computesTheSame(_ test: TorchCase) throws {
        let recording = try TorchRecording("bf16"), name = test.name
        let found = try compute(test, recording, .bfloat16), exact = try compute(test, recording, .float32)
        let gradients = recording.names(name, "gradient")
        for part in ["result"] + gradients.map({ "gradient.\($0)" }) {
            let output = part == "result" ? part : "grad." + part.dropFirst("gradient.".count)
            let expected = try recording.tensor("\(name)/\(part)").floats
            let numbers = try #require(found[output])
            let tolerance = part == "result" ? Self.tolerance.result : Self.tolerance.gradient
            let error = largestError(numbers, expected)
            #expect(error < tolerance, "\(part) is off by \(error)")
        }
        // It was bf16 that was computed with.
        #expect(found["result"] != exact["result"])
    }
}
