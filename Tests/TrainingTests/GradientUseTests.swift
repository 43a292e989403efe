import Apus
import Testing

/// Whole training steps, accumulation included, by compiled programs and by the interpreter.
struct GradientUseTests {
    private static func step(_ optimizer: Optimizer) -> TrainingStep {
        TrainingStep(optimizer: optimizer) {
            let x = Input("x", [4, 6])
            let labels = Input("labels", [4], .int32)
            let model = Sequential {
                Linear(6, 17)
                GELU()
                LayerNorm(17)
                Linear(17, 3)
            }
            Loss(crossEntropy(model(x), labels))
        }
    }

    private static func inputs(_ run: Int) throws -> [String: TensorData] {
        let numbers = (0..<24).map { Float(($0 * 7 + run * 13) % 31) / 8 - 2 }
        return try [
            "x": TensorData(numbers, shape: [4, 6]), "labels": TensorData((0..<4).map { Int32(($0 + run) % 3) }),
        ]
    }

    /// Updates by sums of two gradients, of which the first is kept as state while the second is computed.
    @Test(arguments: ["clipped", "averaged"])
    func accumulatedGradients(name: String) throws {
        let optimizer: Optimizer =
            name == "clipped"
            ? .adamW(learningRate: 0.05, weightDecay: 0.1).clippingGradients(toNorm: 0.3)
            : .sgd(learningRate: 0.1, momentum: 0.9).clippingGradients(toNorm: 0.3).averagingWeights(decay: 0.8)
        let step = Self.step(optimizer), compiler = try Compiler(threads: 2, cache: nil)
        let uses: [Set<TracedStep.GradientUse>] = [[.accumulate(of: 2)], [.updateWithAccumulated(of: 2)]]
        let programs = try uses.map { try compiler.compile(step, $0) },
            graphs = try uses.map { try step.trace().wholeGraph($0) }
        let state = try programs[1].makeState(seed: 3)
        var expected: [String: HostTensor] = [:]
        for name in state.names { expected[name] = try state.read(name).hostTensor }

        for run in 0..<8 {
            let phase = run % 2, inputs = try Self.inputs(run)
            let loss = try programs[phase].run(state, inputs).loss
            let scalars = optimizer.inputs(step: run / 2 + 1).mapValues { HostTensor(TensorType(.f32, []), [$0]) }
            let outcome = try Interpreter().run(
                graphs[phase], inputs: inputs.mapValues(\.hostTensor).merging(scalars) { $1 }, parameters: expected)
            expected.merge(outcome.updates) { $1 }
            #expect(abs(Double(loss) - (outcome.outputs["loss"]?.values[0] ?? .nan)) < 1e-5, "loss of run \(run)")
            for (name, value) in expected {
                let error = zip(try state.read(name).hostTensor.values, value.values).map { abs($0 - $1) }.max() ?? 0
                #expect(error < 1e-4, "\(name) after run \(run)")
            }
        }
        #expect(state.step == 4)
        #expect(expected["accumulated.0.weight"]?.values.allSatisfy { $0 == 0 } == true)
    }

    /// The sum is clipped, not its parts: two halves of a gradient, accumulated, move the weights as the whole gradient
    /// does.
    @Test func clippingComesAfterAccumulation() throws {
        let optimizer = Optimizer.sgd(learningRate: 0.1).clippingGradients(toNorm: 0.01)
        let step = Self.step(optimizer), compiler = try Compiler(threads: 1, cache: nil)
        let whole = try compiler.compile(step), inputs = try Self.inputs(1)
        let accumulate = try compiler.compile(step, [.accumulate(of: 2)]),
            update = try compiler.compile(step, [.updateWithAccumulated(of: 2)])
        let first = try whole.makeState(seed: 1), second = try update.makeState(seed: 1)
        let start = try first.read("0.weight").floats
        _ = try whole.run(first, inputs)
        _ = try accumulate.run(second, inputs)
        _ = try update.run(second, inputs)
        let moved = zip(try first.read("0.weight").floats, start).map { Double($0 - $1) }
        let alike = zip(try second.read("0.weight").floats, start).map { Double($0 - $1) }
        #expect(moved.contains { abs($0) > 1e-5 })
        #expect(zip(moved, alike).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// In mixed precision gradients of weights stay in f32, also where their norm is wanted before they are used.
    @Test func clippedGradientsAreNotRounded() throws {
        func weights(_ optimizer: Optimizer) throws -> [Float] {
            let step = TrainingStep(optimizer: optimizer) {
                Loss(mean(GELU()(Linear(96, 80).named("first")(Input("x", [16, 96])))))
            }
            let program = try Compiler(CompilerOptions(precision: .bfloat16), threads: 2, cache: nil).compile(step)
            let state = try program.makeState(seed: 2)
            try state.write("first.weight", TensorData([Float](repeating: 0, count: 80 * 96), shape: [80, 96]))
            let x: [Float] = (0..<16 * 96).map { Float($0 * 37 % 101) / 50 - 1 }
            _ = try program.run(state, ["x": try TensorData(x, shape: [16, 96])])
            return try state.read("first.weight").floats
        }
        // No gradient is as long as 100, so both optimizers do the same.
        let plain = try weights(.sgd(learningRate: 1)),
            clipped = try weights(.sgd(learningRate: 1).clippingGradients(toNorm: 100))
        let largest = plain.map(abs).max() ?? 0
        #expect(largest > 0)
        #expect(zip(plain, clipped).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
    }
}
