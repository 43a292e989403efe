import Apus
import Foundation
import Testing

/// Optimizers against PyTorch: losses and weights of five steps of a small perceptron.
@Suite struct TorchOptimizerTests {
    private static let optimizers: [String: Optimizer] = [
        "sgd": .sgd(learningRate: 0.1),
        "sgd_nesterov": .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true),
        "adam": .adam(learningRate: 0.02, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.05),
        "adamw": .adamW(learningRate: 0.02, weightDecay: 0.1, decays: .all),
        "rmsprop": .rmsProp(),
        "rmsprop_centered": .rmsProp(decay: 0.9, epsilon: 1e-6, momentum: 0.8, weightDecay: 0.02, centered: true),
        "lion": .lion(learningRate: 0.01, weightDecay: 0.2),
        "adafactor": .adafactor(learningRate: 0.3),
        "adafactor_decay": .adafactor(
            learningRate: 0.05, decayPower: -0.6, epsilon: 1e-6, scaleFloor: 1e-2, clippingThreshold: 1.2,
            weightDecay: 0.1),
        "clip_value": .sgd(learningRate: 0.5).clippingGradients(toValue: 0.05),
        "clip_norm": .sgd(learningRate: 0.5).clippingGradients(toNorm: 0.1),
        "groups": .adamW(learningRate: 0.02, weightDecay: 0.1, decays: .all).grouping(
            ParameterGroup("*.bias", weightDecay: 0),
            ParameterGroup("0.weight", learningRateScale: 0.1, weightDecay: 0.5)),
        "sharpness": .sgd(learningRate: 0.1, momentum: 0.9).sharpnessAware(radius: 0.3),
    ]

    @Test func everyRecordedOptimizerIsTested() throws {
        #expect(try TorchRecording("optimizers").cases == Set(Self.optimizers.keys))
    }

    @Test(arguments: optimizers.keys.sorted()) func goesTheSameWay(_ name: String) throws {
        let recording = try TorchRecording("optimizers"), optimizer = try #require(Self.optimizers[name])
        let step = TrainingStep(optimizer: optimizer) {
            let model = Sequential {
                Linear(5, 6)
                Tanh()
                Linear(6, 3)
            }
            Loss(crossEntropy(model(Input("x", [8, 5])), Input("y", [8], .int32)))
        }
        let program = try Compiler(threads: 1).compile(step)
        let state = try program.makeState(seed: 0)
        for weight in recording.names(name, "weight") {
            try state.write(weight, recording.tensor("\(name)/weight.\(weight)"))
        }
        let inputs = try ["x", "y"].reduce(into: [:]) { $0[$1] = try recording.tensor("\(name)/input.\($1)") }
        let losses = try (0..<5).map { _ in try program.run(state, inputs).loss }
        #expect(largestError(losses, try recording.tensor("\(name)/losses").floats) < 1e-5)
        for weight in recording.names(name, "after") {
            let before = try recording.tensor("\(name)/weight.\(weight)").floats
            let expected = zip(try recording.tensor("\(name)/after.\(weight)").floats, before).map { $0 - $1 }
            let found = zip(try state.read(weight).floats, before).map { $0 - $1 }
            #expect(largestError(found, expected) < 1e-4, "\(weight): \(found), not \(expected)")
        }
    }

    /// Sums of gradients of half batches are the gradient of the whole, also at the moved weights of each half.
    @Test func accumulatesAroundSharpness() throws {
        func step(_ optimizer: Optimizer) -> TrainingStep {
            TrainingStep(optimizer: optimizer) {
                Loss(meanSquaredError(Linear(3, 2)(Input("x", [4, 3])), Input("y", [4, 2])))
            }
        }
        let optimizer = Optimizer.sgd(learningRate: 0.1).sharpnessAware(radius: 0.1),
            compiler = try Compiler(threads: 1)
        let whole = try compiler.compile(step(optimizer))
        let first = try compiler.compile(step(optimizer), [.accumulate(of: 2)])
        let second = try compiler.compile(step(optimizer), [.updateWithAccumulated(of: 2)])
        let inputs = [
            "x": try TensorData((0..<12).map { Float($0 % 5) - 2 }, shape: [4, 3]),
            "y": try TensorData((0..<8).map { Float($0 % 3) }, shape: [4, 2]),
        ]
        let plain = try whole.makeState(seed: 3), summed = try second.makeState(seed: 3)
        _ = try whole.run(plain, inputs)
        _ = try first.run(summed, inputs)
        _ = try second.run(summed, inputs)
        #expect(largestError(try summed.read("weight").floats, try plain.read("weight").floats) < 1e-6)
    }

    @Test func wrongConstantsAreNamed() {
        func problems(_ optimizer: Optimizer) -> String {
            do {
                _ = try TrainingStep(optimizer: optimizer) { Loss(mean(weight("w", [2], .ones))) }.trace()
                return ""
            } catch { return error.errors.map(\.message).joined(separator: "; ") }
        }
        #expect(
            problems(.rmsProp(decay: 1, momentum: -1, weightDecay: -1))
                == "the weight decay -1.0 is negative; the decay 1.0 is not in 0..<1; the momentum -1.0 is not in 0..<1"
        )
        #expect(problems(.lion(learningRate: 1, betas: (0.9, 2))) == "the beta 2.0 is not in 0..<1")
        #expect(
            problems(.adafactor(decayPower: 1, epsilon: 0, clippingThreshold: 0))
                == "the power 1.0 of the decay is above 0; the epsilon 0.0 is not above 0; the threshold 0.0 is not above 0"
        )
        #expect(
            problems(
                .sgd(learningRate: 1).clippingGradients(toValue: 0).sharpnessAware(radius: 0)
                    .grouping(ParameterGroup("a*", learningRateScale: -1, weightDecay: -2)))
                == "the value 0.0 to clip gradients to is not above 0; the radius 0.0 of sharpness-aware minimisation is not above 0; the factor of the learning rate of 'a*' -1.0 is negative; the weight decay of 'a*' -2.0 is negative"
        )
    }
}
