import ApusCodegen
import ApusIR
import ApusLayers
import ApusRuntime
import ApusTestSupport
import Testing

/// Updates of parameters, which overwrite them while other kernels may still want the old numbers.
struct InPlaceUpdateTests {
    /// A graph over two parameters p and q of one shape and an input x, run once.
    private func expectUpdates(
        _ shape: [Int] = [5, 33], _ comment: String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: (_ builder: GraphBuilder, _ p: Tensor, _ q: Tensor, _ x: Tensor) -> Void
    ) throws {
        let builder = GraphBuilder(name: "update"), type = TensorType(.f32, shape)
        let p = builder.parameter(Parameter("p", type, .zeros)), q = builder.parameter(Parameter("q", type, .zeros))
        body(builder, p, q, builder.input(Input("x", type)))
        let graph = try builder.finish()
        try expectMatchesInterpreter(
            graph, inputs: randomInputs(for: graph, seed: 1), parameters: randomParameters(for: graph, seed: 2),
            comment,
            sourceLocation: sourceLocation)
    }

    @Test func readBeforeAndAfter() throws {
        try expectUpdates { builder, p, q, x in
            builder.output("before", exp(p) * 2)
            let next = p - x * 0.1
            builder.update(p, with: next)
            builder.output("after", matmul(next, p.transpose([1, 0])))
            builder.output("sum", sum(p, axes: [0]))
            builder.output("rows", softmax(p + next))
            builder.update(q, with: next * q)
        }
    }

    @Test func readTransposedAndGathered() throws {
        try expectUpdates([7, 7]) { builder, p, q, x in
            builder.update(p, with: p * 0.5 + p.transpose([1, 0]))
            builder.update(q, with: gather(q, argsort(x).slice(0..<1, axis: 0).reshape([7])) + p)
        }
    }

    @Test func normalisedByItsOwnRows() throws {
        try expectUpdates { builder, p, q, x in
            builder.update(p, with: p / (sum(p * p, axes: [1], keepAxes: true) + 1))
            builder.update(q, with: q - mean(q, axes: [0], keepAxes: true))
        }
    }

    /// The old number is read by a value that is stored after the update, in the same kernel.
    @Test func oldNumbersInTheSameKernel() throws {
        try expectUpdates { builder, p, q, x in
            let shared = exp(x) * tanh(x)
            builder.update(p, with: shared * 2)
            builder.output("shared", shared)
            builder.output("old", shared + p)
        }
    }

    @Test func swaps() throws {
        try expectUpdates { builder, p, q, x in
            builder.update(p, with: q)
            builder.update(q, with: p)
        }
        try expectUpdates { builder, p, q, x in
            builder.update(p, with: q * 2)
            builder.update(q, with: p + 1)
        }
        try expectUpdates { builder, p, q, x in
            let shared = exp(x) * tanh(x)
            builder.output("shared", shared)
            builder.update(p, with: q + shared)
            builder.update(q, with: p - shared)
        }
    }

    @Test func resultsThatAreInputsAndParameters() throws {
        try expectUpdates { builder, p, q, x in
            builder.update(p, with: x)
            builder.output("x", x)
            builder.output("old p", p)
            builder.output("q", q)
        }
        try expectUpdates { builder, p, q, x in
            builder.update(p, with: p)
            builder.update(q, with: p)
            builder.output("old q", q)
        }
        try expectUpdates { builder, p, q, x in builder.update(p, with: p.constant(3, shape: [5, 33])) }
    }

    @Test func valuesWithSeveralRoles() throws {
        try expectUpdates { builder, p, q, x in
            let next = p + x
            builder.update(p, with: next)
            builder.update(q, with: next)
            builder.output("next", next)
            builder.output("again", next)
            builder.output("used", concatenate([next * 2, next, q], axis: 0))
        }
        try expectUpdates([6, 6]) { builder, p, q, x in
            let product = matmul(p, x)
            builder.update(p, with: product)
            builder.update(q, with: concatenate([q.slice(3..<6, axis: 0), p.slice(0..<3, axis: 0)], axis: 0))
        }
        try expectUpdates([6]) { builder, p, q, x in
            builder.update(p, with: sum(matmul(p.reshape([6, 1]), x.reshape([1, 6])), axes: [0]))
            builder.update(q, with: scatterAdd(q, at: argsort(x), rows: 6))
        }
    }

    @Test func updatesOfOtherElementTypes() throws {
        let builder = GraphBuilder(name: "counters")
        let count = builder.parameter(Parameter("count", TensorType(.i32, []), .zeros, trainable: false))
        let half = builder.parameter(Parameter("half", TensorType(.bf16, [3, 17]), .zeros, trainable: false))
        let flag = builder.parameter(Parameter("flag", TensorType(.bool, [3, 17]), .zeros, trainable: false))
        builder.update(count, with: count + 1)
        builder.update(half, with: half + 0.5)
        builder.update(flag, with: less(half, half.constant(0)))
        builder.output("flag", select(flag, half, half * 0))
        let graph = try builder.finish()
        var parameters = randomParameters(for: graph, seed: 4)
        parameters["half"]?.values = (0..<51).map { Double($0 - 25) / 4 }
        try expectMatchesInterpreter(graph, inputs: [:], parameters: parameters, tolerance: 0, by: differences)
    }

    /// Several steps of each optimizer on two layers equal the interpreter's.
    @Test(arguments: ["adamW", "adam", "sgd", "momentum", "lars", "clipped", "averaged"])
    func optimizers(name: String) throws {
        let optimizer: Optimizer =
            switch name {
            case "adamW": .adamW(learningRate: 0.05, weightDecay: 0.1)
            case "adam": .adam(learningRate: 0.05, weightDecay: 0.1)
            case "momentum": .sgd(learningRate: 0.05, momentum: 0.9, weightDecay: 0.01, nesterov: true)
            case "lars": .lars(learningRate: 0.5, weightDecay: 0.01, trustCoefficient: 0.1)
            // The norm of the gradients lies around 1: some steps are clipped, some are not.
            case "clipped": .sgd(learningRate: 0.05, momentum: 0.9).clippingGradients(toNorm: 1)
            case "averaged":
                .adamW(learningRate: 0.05, weightDecay: 0.1).clippingGradients(toNorm: 0.5).averagingWeights(decay: 0.9)
            default: .sgd(learningRate: 0.05)
            }
        let graph = try perceptronStep(optimizer)
        let loaded = try GraphCompiler(cache: nil).compile(graph).loaded, program = loaded.program
        let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 2))
        let state = ProgramState()
        try state.add(program.parameters, seed: 0)
        var expected = randomParameters(for: graph, seed: 5)
        for (name, tensor) in expected where name.hasPrefix("optimizer.") { expected[name] = HostTensor(tensor.type) }
        for (name, value) in expected { try state.write(name, TensorData(value)) }
        for step in 1...5 {
            var inputs = randomInputs(for: graph, seed: UInt64(step))
            for (name, value) in optimizer.inputs(step: step) {
                inputs[name] = HostTensor(TensorType(.f32, []), [value])
            }
            let outcome = try Interpreter().run(graph, inputs: inputs, parameters: expected)
            let outputs = try runner.run(state, inputs.mapValues { TensorData($0) })
            #expect(relativeError(outputs["loss"]!.hostTensor, outcome.outputs["loss"]!) < 2e-5, "loss of step \(step)")
            expected.merge(outcome.updates) { $1 }
            for (name, value) in expected {
                // A gradient near 0 decides the direction of Adam's step, so the tolerance is that of the step.
                #expect(largestError(try state.read(name).hostTensor, value) < 1e-4, "\(name) after step \(step)")
            }
        }
    }
}
