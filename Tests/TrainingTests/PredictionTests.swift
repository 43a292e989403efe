import Apus
import Foundation
import Testing

@Suite struct PredictionTests {
    private static let batch = 4

    private func compiled(_ batch: Int) throws -> CompiledStep {
        try Compiler(threads: 1).compile(
            InferenceStep("scores") {
                let x = Input("x", [batch, 3])
                Output("scores", softmax(Linear(3, 2).named("head")(x)))
                Output("largest", argmax(x))
            })
    }

    private func samples(_ count: Int) throws -> TensorData {
        try TensorData((0..<3 * count).map { Float(($0 * 7) % 11) - 5 }, shape: [count, 3])
    }

    /// Each sample by itself gives the same bits, whatever the number of samples is.
    @Test(arguments: [1, 3, 4, 5, 8, 11]) func anyNumberOfSamples(_ count: Int) throws {
        let program = try compiled(Self.batch), state = try program.makeState(seed: 1), data = try samples(count)
        let results = try program.predict(state, ["x": data, "not taken": data])
        #expect(results["scores"]?.type.shape == [count, 2] && results["largest"]?.type.shape == [count])
        for sample in 0..<count {
            let alone = try program.predict(state, ["x": data.samples([sample])])
            for name in ["scores", "largest"] { #expect(try results[name]?.samples([sample]) == alone[name]) }
        }
    }

    @Test func mistakesAreNamed() throws {
        let program = try compiled(Self.batch), state = try program.makeState(seed: 1)
        func message(_ program: CompiledStep, _ inputs: [String: TensorData]) -> String {
            do {
                _ = try program.predict(state, inputs)
                return "no error"
            } catch { return "\(error)" }
        }
        #expect(message(program, [:]) == "the input 'x' (f32[4,3]) of 'scores' is missing")
        #expect(
            message(program, ["x": try TensorData([1, 2] as [Float])])
                == "the input 'x' of 'scores' is f32[4,3] for 4 samples, given f32[2]")
        let sums = try Compiler(threads: 1).compile(
            InferenceStep("sums") { Output("sum", sum(Input("x", [4, 3]), axes: [0, 1])) })
        #expect(
            message(sums, ["x": try samples(4)])
                == "'sum' of 'sums' is f32[], without an axis of samples in front, of which 'x' has 4")
        let training = try Compiler(threads: 1).compile(
            TrainingStep("step", optimizer: .sgd(learningRate: 0)) { Loss(mean(Linear(3, 1)(Input("x", [4, 3])))) })
        #expect(
            message(training, ["x": try samples(4)])
                == "'step' is a step of training; declare an InferenceStep to predict")
        #expect(throws: RuntimeError.self) { try samples(2).samples([2]) }
        #expect(throws: RuntimeError.self) { try samples(2).samples([]) }
        #expect(throws: RuntimeError.self) { try TensorData.joined([]) }
        #expect(throws: RuntimeError.self) { try TensorData.joined([samples(2), TensorData([1] as [Float])]) }
    }
}
