import ApusIR
import ApusLayers
import Testing

@Suite struct OptimizerTests {
    private let gradients: [[Double]] = [[0.5, -2], [0.1, 1], [-0.3, 0]]

    /// The weight after each of three steps with given gradients, computed by the interpreter.
    private func train(
        _ optimizer: Optimizer, scale: Double = 1, name: String = "w", type: TensorType = TensorType(.f32, [1, 2]),
        start: [Double] = [1, -3]
    ) throws -> [[Double]] {
        let builder = GraphBuilder(name: "update")
        let parameter = builder.parameter(Parameter(name, type, .zeros))
        let gradient = builder.input(Input("gradient", type))
        optimizer.appendUpdates(
            to: builder, [Optimizer.Weight(parameter, name: name, gradient: gradient, learningRateScale: scale)])
        let graph = try builder.finish()
        try graph.verify()
        var state = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.operation.name, HostTensor(type)) })
        state[name] = HostTensor(type, start)
        return try gradients.enumerated().map { index, values in
            var inputs = optimizer.inputs(step: index + 1).mapValues { HostTensor(TensorType(.f32, []), [$0]) }
            inputs["gradient"] = HostTensor(type, values)
            state = try Interpreter().run(graph, inputs: inputs, parameters: state).updates
                .merging(state) { new, _ in new }
            return try #require(state[name]).values
        }
    }

    private func expect(
        _ values: [[Double]], _ expected: [[Double]], _ location: Testing.SourceLocation = #_sourceLocation
    ) {
        for (value, expected) in zip(values.joined(), expected.joined()) {
            #expect(abs(value - expected) < 1e-13, sourceLocation: location)
        }
    }

    // The expected numbers were computed by PyTorch in double precision.

    @Test func adamW() throws {
        expect(
            try train(.adamW(learningRate: 0.1, betas: (0.9, 0.95), weightDecay: 0.05)),
            [
                [0.895000002, -2.8850000005], [0.8092721188187058, -2.8437380558601695],
                [0.7839123476286423, -2.808506097200748],
            ])
    }

    @Test func adam() throws {
        expect(
            try train(.adam(learningRate: 0.1, betas: (0.9, 0.95), weightDecay: 0.05)),
            [
                [0.9000000018181817, -2.9000000004651163], [0.8152994025282088, -2.864928793428518],
                [0.7824052132783196, -2.8334873760672146],
            ])
    }

    @Test func lars() throws {
        expect(
            try train(.lars(learningRate: 0.1, trustCoefficient: 0.5)),
            [
                [0.9616517505576315, -2.846607002230526], [0.9121896138111614, -2.858040426721384],
                [1.017677732120885, -2.868330508763156],
            ])
        expect(
            try train(.lars(learningRate: 0.1, weightDecay: 0.05, trustCoefficient: 0.5)),
            [
                [0.9608141225066497, -2.846818842525994], [0.8999935925601581, -2.8569959479405536],
                [0.9759194515454284, -2.792957890008873],
            ])
        // A weight of zeros gives no length to scale to.
        expect(
            try train(.lars(learningRate: 0.1, trustCoefficient: 0.5), start: [0, 0]),
            [
                [-0.05, 0.2], [-0.0960256608591634, 0.36974339140836604], [-0.11834829077984738, 0.5225124436758954],
            ])
    }

    @Test func larsLeavesVectorsAsTheyAre() throws {
        let vector = TensorType(.f32, [2])
        expect(
            try train(.lars(learningRate: 0.1, weightDecay: 0.05, trustCoefficient: 0.5), type: vector),
            [
                [0.95, -2.8], [0.895, -2.72], [0.8755, -2.648],
            ])
    }

    @Test func stochasticGradientDescent() throws {
        expect(try train(.sgd(learningRate: 0.1)), [[0.95, -2.8], [0.94, -2.9], [0.97, -2.9]])
        expect(try train(.sgd(learningRate: 0.1, momentum: 0.9)), [[0.95, -2.8], [0.895, -2.72], [0.8755, -2.648]])
        expect(
            try train(.sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.05, nesterov: true)),
            [
                [0.8955, -2.5915], [0.82344275, -2.58273075], [0.820798268875, -2.471964232875],
            ])
    }

    @Test func weightDecayFollowsItsScope() throws {
        func decayed(_ scope: WeightDecayScope) throws -> Bool {
            let plain = try train(.adamW(learningRate: 0.1, weightDecay: 0))
            return try train(.adamW(learningRate: 0.1, weightDecay: 0.5, decays: scope)) != plain
        }
        #expect(try decayed(.matricesOnly))
        #expect(try decayed(.all))
        #expect(try decayed(.only { name, shape in name == "w" && shape == [1, 2] }))
        #expect(try !decayed(.only { name, _ in name != "w" }))
    }

    @Test func learningRateScaleActsAsALowerRate() throws {
        expect(try train(.sgd(learningRate: 0.1), scale: 0.5), try train(.sgd(learningRate: 0.05)))
        expect(try train(.adamW(learningRate: 0.1), scale: 0.5), try train(.adamW(learningRate: 0.05)))
    }

    @Test func stateIsNamedAfterTheWeight() throws {
        let type = TensorType(.f32, [1, 2])
        let builder = GraphBuilder(name: "update")
        let parameter = builder.parameter(Parameter("head.weight", type, .zeros))
        let weights = [Optimizer.Weight(parameter, name: "head.weight", gradient: parameter * 2)]
        Optimizer.adamW(learningRate: 1).appendUpdates(to: builder, weights)
        let graph = try builder.finish()
        #expect(
            graph.parameters.map(\.operation.name) == [
                "head.weight", "optimizer.exp_avg.head.weight", "optimizer.exp_avg_sq.head.weight",
            ])
        #expect(graph.parameters.map(\.operation.trainable) == [true, false, false])
        #expect(graph.inputs.map(\.operation.name) == ["learning_rate", "adam_correction1", "adam_correction2"])
    }

    @Test func inputsChangeFromStepToStep() {
        let optimizer = Optimizer.adamW(learningRate: 1e-3, betas: (0.5, 0.75))
        #expect(
            optimizer.inputs(step: 2) == ["learning_rate": 1e-3, "adam_correction1": 0.75, "adam_correction2": 0.4375])
        #expect(
            optimizer.inputs(step: 1, learningRate: 5) == [
                "learning_rate": 5, "adam_correction1": 0.5, "adam_correction2": 0.25,
            ])
        #expect(Optimizer.sgd(learningRate: 2).inputs(step: 9) == ["learning_rate": 2])
    }

    @Test(arguments: [
        (Optimizer.sgd(learningRate: .nan), "the learning rate nan is not a number from 0 on"),
        (.sgd(learningRate: 1, momentum: 1), "the momentum 1.0 is not in 0..<1"),
        (.sgd(learningRate: 1, nesterov: true), "Nesterov's method needs a momentum"),
        (.adamW(learningRate: 1, betas: (0.9, 1)), "the beta 1.0 is not in 0..<1"),
        (.adamW(learningRate: 1, epsilon: -1), "the epsilon -1.0 is negative"),
        (.adamW(learningRate: 1, weightDecay: -1), "the weight decay -1.0 is negative"),
        (.lars(learningRate: 1, momentum: -0.1), "the momentum -0.1 is not in 0..<1"),
        (.lars(learningRate: 1, trustCoefficient: 0), "the trust coefficient 0.0 is not above 0"),
        (.sgd(learningRate: 1).clippingGradients(toNorm: 0), "the norm 0.0 to clip gradients to is not above 0"),
        (.sgd(learningRate: 1).averagingWeights(decay: 1), "the decay 1.0 of averaged weights is not in 0..<1"),
    ])
    func constantsOutOfRangeAreReported(optimizer: Optimizer, message: String) {
        let step = TrainingStep(optimizer: optimizer) { Loss(mean(Linear(2, 1)(Input("x", [1, 2])))) }
        #expect(mistakes { _ = try step.trace() }.map { $0.hasSuffix(message) } == [true])
    }
}
