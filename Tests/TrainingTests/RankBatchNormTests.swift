import Apus
import ApusIR
import Testing

/// Batch normalisation, and losses with statistics over the batch, on ranks: as one process with the whole batch.
struct RankBatchNormTests {
    private static let samples = 12

    /// A small convolutional network; labels below 0 do not count, and there are more of those on some ranks than on
    /// others.
    private static func step(batch: Int, affine: Bool = true) -> TrainingStep {
        TrainingStep(optimizer: .sgd(learningRate: 0.1, momentum: 0.9)) {
            let labels = Input("labels", [batch], .int32)
            let features = Sequential {
                Conv2D(2, 5, kernel: 3, padding: 1).named("conv")
                BatchNorm(5, affine: affine).named("norm")
                GELU()
            }(Input("x", [batch, 2, 4, 4]))
            let rows = BatchNorm(6).named("rows")(Linear(5 * 16, 6).named("wide")(features.reshape([batch, 5 * 16])))
            let logits = Linear(6, 3).named("head")(rows)
            Loss(crossEntropy(logits, labels, weights: [1, 2, 0.5], ignoredIndex: -1))
        }
    }

    private static func inputs(_ places: Range<Int>, of run: Int) throws -> [String: TensorData] {
        var numbers: [Float] = []
        for place in places {
            for pixel in 0..<32 { numbers.append(Float((place * 13 + run * 5 + pixel * pixel * 7) % 31) / 8 - 2) }
        }
        return try [
            "x": TensorData(numbers, shape: [places.count, 2, 4, 4]),
            "labels": TensorData(places.map { Int32($0 < 3 || $0 == 7 ? -1 : $0 % 3) }),
        ]
    }

    private static func train(
        _ ranks: Int, affine: Bool = true, precision: Compiler.Precision = .float32
    ) throws -> [(state: ProgramState, losses: [Float])] {
        try ThreadRanks.run(ranks) { communicator in
            let batch = samples / ranks, start = communicator.rank * batch
            let compiler = try Compiler(
                CompilerOptions(precision: precision, products: .generated), threads: 1, communicator: communicator)
            let program = try compiler.compile(step(batch: batch, affine: affine))
            let state = try program.makeState(seed: 3)
            let losses = try (0..<4).map { run in
                try program.run(state, inputs(start..<start + batch, of: run)).loss
            }
            return (state, losses)
        }
    }

    /// Weights, running statistics and losses of several steps are those of one process with the whole batch; with six
    /// ranks, each has two images.
    @Test(arguments: [2, 3, 6], [true, false])
    func ranksAreTheWhole(ranks: Int, affine: Bool) throws {
        let whole = try Self.train(1, affine: affine)[0], parts = try Self.train(ranks, affine: affine)
        for (rank, part) in parts.enumerated() {
            try RankTests.expectAlike(part.state, whole.state, "rank \(rank) of \(ranks)", tolerance: 5e-4)
            for (a, b) in zip(part.losses, whole.losses) { #expect(abs(a - b) < 2e-4, "\(a) \(b)") }
            #expect(try haveSameBits(part.state, parts[0].state) && part.losses == parts[0].losses)
            #expect(try part.state.read("norm.num_batches_tracked").integers == [4])
        }
        #expect(Set(whole.losses).count == 4)
    }

    @Test func inMixedPrecision() throws {
        let whole = try Self.train(1, precision: .bfloat16)[0], parts = try Self.train(3, precision: .bfloat16)
        for part in parts {
            for (a, b) in zip(part.losses, whole.losses) { #expect(abs(a - b) < 0.02, "\(a) \(b)") }
            #expect(try haveSameBits(part.state, parts[0].state))
        }
    }

    /// The graph side by side in the interpreter, the graph of the whole batch, and the program.
    @Test(arguments: [2, 3])
    func matchesTheInterpreter(ranks: Int) throws {
        let batch = Self.samples / ranks
        let graph = try Self.step(batch: batch).trace(ranks: ranks).wholeGraph()
        let state = try Compiler(CompilerOptions(products: .generated), threads: 1).compile(Self.step(batch: 2))
            .makeState(seed: 3)
        var parameters: [String: HostTensor] = [:]
        for (_, parameter) in graph.parameters {
            parameters[parameter.name] = try state.read(parameter.name).hostTensor
        }
        func bindings(_ places: Range<Int>) throws -> Interpreter.Bindings {
            var inputs = try Self.inputs(places, of: 0).mapValues(\.hostTensor)
            for (name, value) in Self.step(batch: batch).optimizer.inputs(step: 1) {
                inputs[name] = HostTensor(TensorType(.f32, []), [value])
            }
            return Interpreter.Bindings(inputs: inputs, parameters: parameters)
        }
        let parts = try Interpreter().run(
            graph, ranks: (0..<ranks).map { try bindings($0 * batch..<($0 + 1) * batch) })
        let whole = try Interpreter().run(
            Self.step(batch: Self.samples).trace().wholeGraph(), ranks: [bindings(0..<Self.samples)])[0]
        for part in parts {
            #expect(part.updates.keys.sorted() == whole.updates.keys.sorted() && part.updates.count > 8)
            for (name, value) in whole.updates {
                let found = try #require(part.updates[name])
                #expect(zip(found.values, value.values).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
            }
            let losses = try (#require(part.outputs["loss"]), #require(whole.outputs["loss"]))
            #expect(abs(losses.0.values[0] - losses.1.values[0]) < 1e-6)
        }
    }

    /// Each layer adds up means, then deviations, and once in the backward pass; running statistics do not travel
    /// again.
    @Test func sumsOfALayer() throws {
        let step = TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
            let x = Input("x", [4, 5])
            let y = BatchNorm(7).named("norm")(Linear(5, 7).named("first")(x))
            Loss(mean(y * y * y))
        }
        let graph = try step.trace(ranks: 2).wholeGraph()
        let program = try GraphCompiler(CompilerOptions(products: .generated)).compile(graph).program
        #expect(program.collectives.map(\.type.count).sorted() == [1, 7, 7, 14, 5 * 7 + 7 + 7 + 7])
        // A rank has no other to divide by, nor to wait for.
        let alone = try GraphCompiler(CompilerOptions(products: .generated)).compile(step.trace().wholeGraph()).program
        #expect(alone.collectives.isEmpty)
    }

    /// One image on each of two ranks is a batch that has a variance.
    @Test func aPartOfOne() throws {
        @Sendable func step(batch: Int) -> TrainingStep {
            TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
                let y = BatchNorm(3).named("norm")(Input("x", [batch, 3]))
                Loss(mean(y * y * y + y))
            }
        }
        let rows: [[Float]] = [[1, 2, 3], [-1, 5, 0]]
        let states = try ThreadRanks.run(2) { communicator in
            let compiler = try Compiler(threads: 1, communicator: communicator)
            let program = try compiler.compile(step(batch: 1)), state = try program.makeState(seed: 0)
            _ = try program.run(state, ["x": TensorData(rows[communicator.rank], shape: [1, 3])])
            return state
        }
        let program = try Compiler(threads: 1).compile(step(batch: 2)), whole = try program.makeState(seed: 0)
        _ = try program.run(whole, ["x": TensorData(rows.flatMap(\.self), shape: [2, 3])])
        for state in states { try RankTests.expectAlike(state, whole, "a part of one") }
    }
}
