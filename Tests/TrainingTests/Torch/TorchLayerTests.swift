import Apus
import Testing

/// Layers, functions and losses against PyTorch: the result, gradients of inputs and weights, and both after three
/// steps of gradient descent.
@Suite struct TorchLayerTests {
    private static let rate = 0.05

    @Test func everyRecordedCaseIsTested() throws {
        let tested = Set(TorchCase.all.map(\.name))
        #expect(try TorchRecording("layers").cases == tested)
        #expect(TorchCase.all.count == tested.count)
    }

    @Test(arguments: TorchCase.all) func computesTheSame(_ test: TorchCase) throws {
        let recording = try TorchRecording("layers"), name = test.name
        func recorded(_ part: String) throws -> TensorData { try recording.tensor("\(name)/\(part)") }
        let inputs = try recording.names(name, "input").map { ($0, try recorded("input.\($0)")) }
        let weighting = try recorded("weighting")
        let program = try Compiler(threads: 1).compile(
            test.step(inputs, weighting, learningRate: Self.rate), [.update, .output])
        let state = try program.makeState(seed: 0)
        for (name, data) in inputs where data.type.element != .i32 { try state.write("input.\(name)", data) }
        let weights = recording.names(name, "weight")
        #expect(state.names.filter { !$0.hasPrefix("input.") } == weights)
        for weight in weights { try state.write(weight, recorded("weight.\(weight)")) }

        var given = ["weighting": weighting]
        for (name, data) in inputs where data.type.element == .i32 { given[name] = data }
        for number in 0..<3 {
            let report = try program.run(state, given)
            guard number == 0 else { continue }
            let result = try #require(report["result"])
            let expected = try recorded("result")
            #expect(result.type == expected.type)
            #expect(largestError(result.floats, expected.floats) < 1e-5, "result \(result.floats)")
            for gradient in recording.names(name, "gradient") {
                let found = try #require(report["grad.\(gradient)"]), expected = try recorded("gradient.\(gradient)")
                #expect(largestError(found.floats, expected.floats) < 3e-5, "gradient of \(gradient) \(found.floats)")
            }
        }
        for trained in recording.names(name, "after") {
            let found = try state.read(trained), expected = try recorded("after.\(trained)")
            #expect(found.type == expected.type)
            #expect(
                found.type.element == .i32
                    ? found.integers == expected.integers : largestError(found.floats, expected.floats) < 3e-5,
                "\(trained) after three steps")
        }
    }

    /// The interpreter, in f64: its results are PyTorch's too, and the recorded gradients are those of its loss, along
    /// a random direction.
    @Test(arguments: TorchCase.all) func meansTheSame(_ test: TorchCase) throws {
        let recording = try TorchRecording("layers"), name = test.name
        func recorded(_ part: String) throws -> TensorData { try recording.tensor("\(name)/\(part)") }
        func numbers(_ data: TensorData) -> HostTensor {
            HostTensor(
                data.type, data.type.element == .i32 ? data.integers.map(Double.init) : data.floats.map(Double.init))
        }
        let inputs = try recording.names(name, "input").map { ($0, try recorded("input.\($0)")) }
        let weighting = try recorded("weighting"),
            graph = try test.step(
                inputs, weighting, learningRate: Self.rate
            ).trace().graph
        var given = ["weighting": numbers(weighting)]
        for (name, data) in inputs where data.type.element == .i32 { given[name] = numbers(data) }
        var parameters: [String: HostTensor] = [:], directions: [String: [Double]] = [:]
        var random = CounterRandom(seed: 5, purpose: .init(rawValue: 17)), slope = 0.0
        for parameter in graph.parameters.map(\.operation) {
            let source = parameter.name.hasPrefix("input.") ? parameter.name : "weight.\(parameter.name)"
            parameters[parameter.name] = numbers(try recorded(source))
            guard parameter.trainable else { continue }
            let gradient = try recorded("gradient.\(parameter.name)").floats
            let direction = gradient.map { _ in random.uniform() * 2 - 1 }
            directions[parameter.name] = direction
            slope += zip(gradient, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
        }
        func run(_ distance: Double) throws -> [String: HostTensor] {
            var moved = parameters
            for (name, direction) in directions {
                for (place, number) in direction.enumerated() { moved[name]?.values[place] += distance * number }
            }
            return try Interpreter().run(graph, inputs: given, parameters: moved).outputs
        }
        let result = try #require(try run(0)["result"]).values.map(Float.init)
        #expect(largestError(result, try recorded("result").floats) < 1e-5, "\(result)")
        // At corners there is no derivative.
        guard !test.hasCorners else { return }
        let step = 1e-5, losses = try [step, -step].map { try #require(try run($0)["loss"]).values[0] }
        let found = (losses[0] - losses[1]) / (2 * step)
        #expect(abs(found - slope) < 1e-4 * max(abs(slope), 1), "a slope of \(found), recorded \(slope)")
    }
}
