import Apus
import Testing

/// Against PyTorch 2.13: two steps with batches of different numbers, then evaluation.
@Suite struct BatchNormTests {
    private static let first: [Float] = [1, -2, 3, 0, 0.5, 1.5, -1, 2, 4, 0, 1, -3, 2, 2, -2, 1]
    private static let second: [Float] = [
        2.25, 0.25, 0.75, -1.25, 1.25, 1.25, -0.75, 0.75, 0.75, -0.75, 1.75, 0.25, 0.5, 1, -0.25, 1.25,
    ]

    private struct Run {
        var trained: [Float], evaluated: [Float]
        var state: ProgramState

        func values(_ name: String) throws -> [Float] { try state.read("norm.\(name)").floats }
    }

    /// Trains for two steps at a learning rate of 0, and evaluates the first batch.
    private func run(_ layer: BatchNorm, shape: [Int], _ batches: [[Float]], _ weights: [String: [Float]] = [:]) throws
        -> Run
    {
        let images = try batches.map { try TensorData($0, shape: shape) }
        let step = TrainingStep(optimizer: .sgd(learningRate: 0)) {
            let y = layer.named("norm")(Input("x", shape) + weight("shift", [], .zeros))
            Loss(mean(y * y * y))
            Output("y", y)
        }
        let evaluation = InferenceStep { Output("y", layer.named("norm")(Input("x", shape))) }
        let compiler = try Compiler(threads: 1)
        let program = try compiler.compile(step), evaluate = try compiler.compile(evaluation)
        let state = try program.makeState(seed: 1)
        for (name, values) in weights { try state.write("norm.\(name)", TensorData(values)) }
        let outputs = try images.map { try program.run(state, ["x": $0])["y"]?.floats ?? [] }
        let evaluated = try evaluate.run(state, ["x": images[0]])["y"]?.floats ?? []
        return Run(trained: outputs[0], evaluated: evaluated, state: state)
    }

    private func isNear(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) }
    }

    @Test func imagesWithWeights() throws {
        let run = try run(
            BatchNorm(2, epsilon: 1e-3), shape: [2, 2, 2, 2], [Self.first, Self.second],
            ["weight": [1.5, -0.5], "bias": [0.25, 1]])
        #expect(
            isNear(
                run.trained,
                [
                    0.5940873622894287, -1.470436930656433, 1.970436930656433, -0.0940873920917511, 1.0883662700653076,
                    0.7349013090133667,
                    1.6185638904571533, 0.5581687688827515, 2.65861177444458, -0.0940873920917511, 0.5940873622894287,
                    -2.15861177444458,
                    0.5581687688827515, 0.5581687688827515, 1.9720288515090942, 0.9116337895393372,
                ]), "\(run.trained)")
        #expect(isNear(try run.values("running_mean"), [0.0949999988079071, 0.12999999523162842]))
        #expect(isNear(try run.values("running_var"), [1.4342856407165527, 1.0728570222854614]))
        #expect(try run.state.read("norm.num_batches_tracked").integers == [2])
        #expect(
            isNear(
                run.evaluated,
                [
                    1.3831063508987427, -2.373047351837158, 3.887208938598633, 0.13105513155460358, 0.8214752674102783,
                    0.33897584676742554,
                    1.5452243089675903, 0.09772616624832153, 5.139260292053223, 0.13105513155460358, 1.3831063508987427,
                    -3.625098466873169,
                    0.09772616624832153, 0.09772616624832153, 2.027723789215088, 0.5802255868911743,
                ]), "\(run.evaluated)")
    }

    @Test func rowsWithoutWeights() throws {
        let run = try run(BatchNorm(3, epsilon: 1e-6, affine: false), shape: [3, 3], [[1, 2, 3, 4, -1, 0.5, 0, 0, 2]])
        #expect(run.state.names == ["norm.num_batches_tracked", "norm.running_mean", "norm.running_var", "shift"])
        #expect(
            isNear(
                run.trained,
                [
                    -0.39223217964172363, 1.336305856704712, 1.1355494260787964, 1.3728126287460327,
                    -1.0690447092056274, -1.2977708578109741,
                    -0.9805804491043091, -0.26726117730140686, 0.16222131252288818,
                ]), "\(run.trained)")
        #expect(isNear(try run.values("running_mean"), [0.1666666716337204, 0.03333333507180214, 0.18333333730697632]))
        #expect(isNear(try run.values("running_var"), [1.3333333730697632, 1.1333333253860474, 1.0583332777023315]))
        #expect(
            isNear(
                run.evaluated,
                [
                    0.7216875553131104, 1.8473609685897827, 2.737940549850464, 3.319762945175171, -0.9706472754478455,
                    0.3078157901763916,
                    -0.1443375200033188, -0.03131120279431343, 1.7658905982971191,
                ]), "\(run.evaluated)")
    }

    @Test func channelsLastAreTheSameChannels() throws {
        let order = [0, 4, 1, 5, 2, 6, 3, 7],
            turned = [Self.first, Self.second].map { batch in
                (0..<2).flatMap { image in order.map { batch[image * 8 + $0] } }
            }
        let channelsFirst = try run(BatchNorm(2), shape: [2, 2, 2, 2], [Self.first, Self.second])
        let channelsLast = try run(BatchNorm(2, axis: 3), shape: [2, 2, 2, 2], turned)
        #expect(
            isNear(
                channelsLast.trained, (0..<2).flatMap { image in order.map { channelsFirst.trained[image * 8 + $0] } }))
        #expect(isNear(try channelsLast.values("running_var"), try channelsFirst.values("running_var")))
    }

    @Test func mistakesAreReported() {
        func message(_ layer: BatchNorm, _ shape: [Int]) -> String {
            let step = TrainingStep(optimizer: .sgd(learningRate: 0)) { Loss(mean(layer(Input("x", shape)))) }
            do { _ = try step.trace() } catch { return error.errors.map(\.message).joined(separator: "; ") }
            return ""
        }
        #expect(message(BatchNorm(3), [1, 3]) == "one number for each channel has no variance to train with: [1,3]")
        #expect(message(BatchNorm(3), [2, 4]) == "takes 3 channels along axis 1, has [2,4]")
        #expect(message(BatchNorm(3), [3]) == "takes 3 channels along axis 1, has [3]")
    }
}
