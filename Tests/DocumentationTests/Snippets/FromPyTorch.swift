import Apus
import Foundation
import Testing

// Everything that the tables of FromPyTorch.md say of Apus stands here, in these words, and runs.

private struct Net: Layer {
    var body: some Layer {
        Linear(784, 8).named("fc1")
        Dropout(0.1)
        Linear(8, 10).named("head")
    }
}

private struct Offset: Layer {
    func callAsFunction(_ x: Tensor) -> Tensor { x + weight("name", [3], .zeros) }
}

@Suite struct FromPyTorch {
    /// What a table says is in this folder's files.
    @Test func tablesAreCodeThatRuns() throws {
        let folder = packageFolder.appending(path: "Tests/DocumentationTests/Snippets")
        let code = try ["FromPyTorch", "FromPyTorch+Layers", "DataSources"].map {
            try inOneLine(String(contentsOf: folder.appending(path: "\($0).swift"), encoding: .utf8))
        }.joined(separator: " ")
        let found = try Page("FromPyTorch.md").codeInTables
        #expect(found.count > 130)
        for (line, text) in found {
            for part in text.split(separator: "…") {
                #expect(
                    code.contains(inOneLine(String(part))),
                    "FromPyTorch.md:\(line): `\(text)` is not among what runs")
            }
        }
    }

    /// Code without line breaks, indentation and semicolons.
    private func inOneLine(_ code: String) -> String {
        code.split { $0.isWhitespace || $0 == ";" }.joined(separator: " ")
    }

    @Test func containers() throws {
        let a = ReLU(), b = Tanh()
        let graph = try InferenceStep {
            let x = Input("x", [2, 3]), y = Input("y", [2, 5, 8])
            Output(
                "1",
                Sequential {
                    a; b
                }(x))
            Output("2", Sequential { ForEach(0..<6) { index in Linear(3, 3).named("f\(index)") } }(x))
            Output("3", Sequential { for index in 0..<2 { if index > 0 { ReLU() } } }(x))
            Output("4", Linear(4, 8).named("fc1")(Input("z", [2, 4])))  // fc1.weight
            Output("5", Residual { Linear(3, 3).named("r") }(x))
            Output(
                "6",
                Residual {
                    Linear(3, 5).named("s")
                } shortcut: {
                    Linear(3, 5).named("t")
                }(x))
            Output(
                "7",
                Parallel {
                    a; b
                }(x))
            Output("8", Offset()(x))
            Output("9", MultiheadAttention(8, heads: 2, memory: y).named("m")(y))
            Output("10", scope("name") { Linear(3, 3)(x) })
        }.trace()
        #expect(graph.parameters.map(\.operation.name).contains("fc1.weight") && graph.results.count == 10)
    }

    @Test func training() throws {
        let keeper = try TemporaryFolder(), path = keeper.path + "/weights.safetensors"
        let images = try TensorData((0..<64 * 784).map { Float($0 % 7) / 7 }, shape: [64, 784])
        let labels = try TensorData((0..<64).map { $0 % 10 })
        let model = Net()
        let step = TrainingStep(optimizer: .adamW(learningRate: 1e-3)) {
            Loss(crossEntropy(model(Input("x", [64, 784])), Input("y", [64], .int32)))
        }
        let program = try Compiler().compile(step), state = try program.makeState(seed: 0)
        let report = try program.run(state, ["x": images, "y": labels])
        #expect(report.loss.isFinite)
        let data: some DataSource = try ArrayData(["x": images, "y": labels])
        var settings = FitSettings(epochs: 10)
        settings.threads = 1
        let result = try fit(step, data, in: keeper.path + "/run", settings: settings, output: .silent)
        #expect(result.isFinished)
        try shortForm(step, data)

        try state.saveWeights(to: path)
        let inference = InferenceStep { Output("y", model(Input("x", [64, 784]))) }
        let predictor = try Compiler().compile(inference), other = try predictor.makeState(seed: 0)
        try load(other, path)
        #expect(try predict(predictor, other, ["x": images])["y"]?.type.shape == [64, 10])
        print(try step.summary())
        #expect(state.weightCount(matching: "fc1.*") == 785 * 8 && state.weightCount(matching: "encoder.*") == 0)
        #expect(try step.freezing("fc1.*").trace().weights.count == 2)
        #expect(throws: GraphErrors.self) { try step.freezing("encoder.*").trace() }
    }

    /// What the table says, which is compiled only: it would write into the process's current folder.
    private func shortForm(_ step: TrainingStep, _ data: some DataSource) throws {
        let run = { try fit(step, data, in: "run", settings: FitSettings(epochs: 10)) }
        _ = run as () throws -> FitResult
    }

    private func load(_ state: ProgramState, _ path: String) throws {
        try state.loadWeights(from: path)
        try state.loadWeights(from: path, partly: true)
    }

    private func predict(
        _ program: CompiledStep, _ state: ProgramState, _ inputs: [String: TensorData]
    ) throws -> [String: TensorData] {
        try program.predict(state, inputs)
    }

    @Test func ofSteps() throws {
        func noise(_ x: Tensor) -> Tensor { isTraining ? x + randomUniform(x.shape) * randomNormal(x.shape) : x }
        func refused(_ x: Tensor) -> Tensor {
            return x.mistake("Quotient", "divides by 0", .attribute)
        }
        #expect(throws: GraphErrors.self) { try InferenceStep { Output("y", refused(Input("x", [2]))) }.trace() }
        func step(_ optimizer: Optimizer) -> TrainingStep {
            TrainingStep(optimizer: optimizer) {
                let layer = Linear(4, 4).named("frozen")
                let x = noise(Input("x", [2, 4]))
                Loss(mean(Linear(4, 1).named("head")(frozen { layer(x) })))
            }
        }
        let compiler = try Compiler(threads: 1)
        func compile(_ step: TrainingStep, _ use: Set<TracedStep.GradientUse>) throws -> CompiledStep {
            try compiler.compile(step, use)
        }
        let step = step(.sgd(learningRate: 0.1))
        let first = try compile(step, [.accumulate(of: 4)]), last = try compile(step, [.updateWithAccumulated(of: 4)])
        let inputs = ["x": try TensorData([Float](repeating: 1, count: 8), shape: [2, 4])]
        let program = try compiler.compile(step)
        let state = try program.makeState(seed: 0)
        for program in [first, last] {
            try state.add(program.program.parameters, seed: 0)
            #expect(try program.run(state, inputs).loss.isFinite)
        }

        let inspected = try compiler.compile(step, inspecting: Inspection(layers: ["head"], gradientNorms: true))
        #expect(try inspected.run(state, inputs)["grad_norm.head.weight"] != nil)  // grad_norm.NAME
        #expect(try compiler.firstNotFinite(in: step, state, inputs) == nil)
        #expect(throws: GraphErrors.self) {
            try compiler.compile(step, inspecting: Inspection(layers: ["blocks.*"]))
        }
    }

    @Test func optimizers() throws {
        let all: [Optimizer] = [
            .sgd(learningRate: 0.1), .adam(learningRate: 0.1), .adamW(learningRate: 0.1, decays: .all), .rmsProp(),
            .adafactor(), .lion(learningRate: 0.1), .lars(learningRate: 0.1),
            Optimizer.sgd(learningRate: 0.1).sharpnessAware(radius: 0.05),
            Optimizer.sgd(learningRate: 0.1).clippingGradients(toNorm: 1),
            Optimizer.sgd(learningRate: 0.1).clippingGradients(toValue: 0.5),
            Optimizer.sgd(learningRate: 0.1).averagingWeights(decay: 0.999),
            Optimizer.sgd(learningRate: 0.1)
                .grouping(ParameterGroup("*.bias", weightDecay: 0), ParameterGroup("head.*", learningRateScale: 10)),
        ]
        for optimizer in all {
            let step = TrainingStep(optimizer: optimizer) {
                Loss(mean(Linear(4, 1).named("head")(Input("x", [2, 4]))))
            }
            #expect(try step.trace().wholeGraph().results.count > 1)
        }
        let schedules: [LearningRateSchedule] = [
            .step(base: 0.1, every: 10), .milestones(base: 0.1, at: [10]), .exponential(base: 0.1, factor: 0.9),
            .polynomial(base: 0.1, epochs: 10), .cosine(base: 0.1, epochs: 10), .restarts(base: 0.1, first: 5),
            .oneCycle(peak: 0.1, epochs: 10), .warmup(epochs: 5, then: .cosine(base: 0.1, epochs: 10)),
        ]
        for schedule in schedules { #expect(schedule.rate(atEpoch: 2.5) > 0) }
        #expect(PlateauSchedule(base: 0.1).rate == 0.1)
    }

    @Test func metrics() throws {
        var matrix = ConfusionMatrix(classes: 2), numbers = RegressionMetrics()
        try matrix.add(predicted: [0, 1, 1], labels: [0, 1, 0])
        try numbers.add(predicted: [1, 2] as [Float], targets: [1, 3])
        #expect(matrix.accuracy == 2 / 3.0 && numbers.meanAbsoluteError == 0.5)
        #expect(ClassificationSamples(classes: 2).classes == 2)
    }
}
