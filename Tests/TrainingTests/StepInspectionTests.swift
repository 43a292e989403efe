import Apus
import Testing

/// What is seen of a step beside its results.
@Suite struct StepInspectionTests {
    private func step(_ change: @escaping (Tensor) -> Tensor = { $0 }) -> TrainingStep {
        TrainingStep("inspected", optimizer: .sgd(learningRate: 0.1)) {
            let x = Input("x", [2, 5, 4])
            let tokens = SelfAttention(4, heads: 2, masks: [.causal]).named("attn")(x)
            let hidden = Sequential {
                Linear(4, 3).named("fc1"); ReLU(); Apply { change($0) }.named("head.odd")
            }.named("mlp")(tokens)
            Loss(mean(hidden * hidden))
        }
    }

    private func compiler() throws -> Compiler { try Compiler(CompilerOptions(products: .generated), threads: 1) }
    private let inputs = [
        "x": try! TensorData((0..<40).map { Float($0 % 7) / 7 - 0.4 }, shape: [2, 5, 4])
    ]

    @Test func layersAndGradientNorms() throws {
        let compiler = try compiler()
        let program = try compiler.compile(
            step(), inspecting: Inspection(layers: ["mlp.*", "attn"], gradientNorms: true))
        let state = try program.makeState(seed: 1), plain = try compiler.compile(step()),
            other = try plain.makeState(seed: 1)
        let gradients = try compiler.compile(step(), [.output])
        let expected = try gradients.run(gradients.makeState(seed: 1), inputs)
        let report = try program.run(state, inputs)
        #expect(try report.loss == plain.run(other, inputs).loss)
        #expect(try state.read("mlp.fc1.weight") == other.read("mlp.fc1.weight"))
        #expect(report["attn"]?.type.shape == [2, 5, 4] && report["mlp.fc1"]?.type.shape == [2, 5, 3])
        for name in program.program.parameters.map(\.name) where name.hasSuffix("weight") || name.hasSuffix("bias") {
            let gradient = try #require(expected["grad.\(name)"]).floats
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let found = try #require(report["grad_norm.\(name)"]).scalar
            #expect(abs(found - norm) <= 1e-5 * max(norm, 1e-3), "\(name): \(found), not \(norm)")
        }
        // What a layer gave, computed from what the one before gave.
        let attended = try #require(report["attn"]).floats, hidden = try #require(report["mlp.fc1"]).floats
        let weight = try plain.makeState(seed: 1).read("mlp.fc1.weight").floats,
            bias = try plain.makeState(seed: 1).read("mlp.fc1.bias").floats
        for row in 0..<10 {
            for column in 0..<3 {
                let sum = (0..<4).reduce(bias[column]) { $0 + attended[row * 4 + $1] * weight[column * 4 + $1] }
                #expect(abs(sum - hidden[row * 3 + column]) < 1e-5)
            }
        }
    }

    @Test func ofAComputation() throws {
        let step = InferenceStep {
            Output("y", Linear(4, 2).named("fc2")(Linear(4, 4).named("fc1")(Input("x", [2, 5, 4]))))
        }
        let program = try compiler().compile(step, inspecting: Inspection(layers: ["fc?"]))
        let report = try program.run(program.makeState(seed: 0), inputs)
        #expect(report["fc2"] == report["y"] && report["fc1"]?.type.shape == [2, 5, 4])
    }

    /// The first operation that makes NaN or infinity, its layer and line; not the mask, whose −∞ is meant.
    @Test func whereNumbersStopBeingFinite() throws {
        let compiler = try compiler()
        let program = try compiler.compile(step()), state = try program.makeState(seed: 1)
        #expect(try compiler.firstNotFinite(in: step(), state, inputs) == nil)
        let line = #line + 1
        let broken = step { x in log(x * 0.0) }
        let origin = try #require(try compiler.firstNotFinite(in: broken, state, inputs))
        guard case .operation(let name, let place) = origin.source else {
            Issue.record("\(origin)")
            return
        }
        #expect(name == "log" && place?.path == "mlp.head.odd", "\(origin), line \(line)")
        #expect("\(origin)".hasPrefix("it begins with log, StepInspectionTests.swift:"), "\(origin)")
        let spoilt = ["x": try TensorData([Float](repeating: .nan, count: 40), shape: [2, 5, 4])]
        #expect(try compiler.firstNotFinite(in: step(), state, spoilt)?.source == .input("x"))
        try state.write("attn.proj.bias", TensorData([0, .infinity, 0, 0] as [Float]))
        #expect(try compiler.firstNotFinite(in: step(), state, inputs)?.source == .weight("attn.proj.bias"))
    }
}
