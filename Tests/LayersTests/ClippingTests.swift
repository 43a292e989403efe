import ApusIR
import ApusLayers
import Testing

/// What an optimizer does with all weights together: clipping of gradients, and averages of weights.
@Suite struct ClippingTests {
    private let gradients: [[Double]] = [[0.5, -2], [0.1, 1], [-0.3, 0]]

    /// The state after each of three steps of two weights, of which the second has −2 times the gradient of the first.
    private func train(_ optimizer: Optimizer) throws -> [[String: HostTensor]] {
        let builder = GraphBuilder(name: "update")
        let a = builder.parameter(Parameter("a", TensorType(.f32, [1, 2]), .zeros)),
            b = builder.parameter(Parameter("b", TensorType(.f32, [2]), .zeros))
        let gradient = builder.input(Input("gradient", TensorType(.f32, [2])))
        optimizer.appendUpdates(
            to: builder,
            [
                Optimizer.Weight(a, name: "a", gradient: gradient.reshape([1, 2])),
                Optimizer.Weight(b, name: "b", gradient: gradient * -2),
            ])
        let graph = try builder.finish()
        try graph.verify()
        var state = Dictionary(
            uniqueKeysWithValues: graph.parameters.map { ($0.operation.name, HostTensor($0.operation.type)) })
        state["a"]?.values = [1, -3]
        state["b"]?.values = [0.5, 2]
        return try gradients.enumerated().map { index, values in
            var inputs = optimizer.inputs(step: index + 1).mapValues { HostTensor(TensorType(.f32, []), [$0]) }
            inputs["gradient"] = HostTensor(TensorType(.f32, [2]), values)
            state.merge(try Interpreter().run(graph, inputs: inputs, parameters: state).updates) { $1 }
            return state
        }
    }

    private func values(_ state: [String: HostTensor], _ prefix: String = "") -> [Double] {
        (state[prefix + "a"]?.values ?? []) + (state[prefix + "b"]?.values ?? [])
    }

    /// The expected numbers were computed by PyTorch's `clip_grad_norm_` in double precision.
    @Test(arguments: [
        (
            1.0,
            [
                [0.9891534794620078, -2.9566139178480313, 0.5216930410759842, 1.9132278356960628],
                [0.9749416713631122, -2.962065840058287, 0.5501166572737756, 1.9241316801165735],
                [0.992151044074106, -2.966972570047517, 0.5156979118517877, 1.9339451400950332],
            ]
        ),
        // Only the first gradient is that long.
        (
            3.0,
            [
                [0.9674604383860236, -2.8698417535440943, 0.5650791232279528, 1.7396835070881886],
                [0.9281748329334448, -2.852699331733779, 0.6436503341331105, 1.7053986634675584],
                [0.9228177880261239, -2.8372711521044955, 0.6543644239477523, 1.674542304208991],
            ]
        ),
    ])
    func gradientsAreClippedTogether(norm: Double, expected: [[Double]]) throws {
        let states = try train(.sgd(learningRate: 0.1, momentum: 0.9).clippingGradients(toNorm: norm))
        for (state, expected) in zip(states, expected) {
            #expect(zip(values(state), expected).allSatisfy { abs($0 - $1) < 1e-13 }, "\(values(state)) \(expected)")
        }
    }

    @Test func gradientsThatAreNoNumbersStaySo() throws {
        let builder = GraphBuilder(name: "update")
        let a = builder.parameter(Parameter("a", TensorType(.f32, [2]), .zeros))
        let optimizer = Optimizer.sgd(learningRate: 1).clippingGradients(toNorm: 1)
        optimizer.appendUpdates(to: builder, [Optimizer.Weight(a, name: "a", gradient: a * .nan)])
        let inputs = ["learning_rate": HostTensor(TensorType(.f32, []), [1])]
        let state = ["a": HostTensor(TensorType(.f32, [2]), [1, 2])]
        let next = try Interpreter().run(builder.finish(), inputs: inputs, parameters: state).updates["a"]
        #expect(next?.values.allSatisfy(\.isNaN) == true)
    }

    @Test func averagesHaveNoStartValue() throws {
        let plain = try train(.adamW(learningRate: 0.1)),
            averaged = try train(.adamW(learningRate: 0.1).averagingWeights(decay: 0.75))
        #expect(plain.map { values($0) } == averaged.map { values($0) })
        #expect(values(averaged[0], "ema.") == values(plain[0]))
        let (first, second, third) = (values(plain[0]), values(plain[1]), values(plain[2]))
        for index in first.indices {
            let expected = (0.5625 * first[index] + 0.75 * second[index] + third[index]) / (0.5625 + 0.75 + 1)
            #expect(abs(values(averaged[2], "ema.")[index] - expected) < 1e-14)
        }
    }

    @Test func averagesAreStateNamedAfterTheWeight() throws {
        let state = try train(.sgd(learningRate: 0.1).averagingWeights(decay: 0.75))[0]
        #expect(Set(state.keys) == ["a", "b", "ema.a", "ema.b", "optimizer.ema_total"])
    }
}
