import Apus
import ApusIR
import ApusLayers
import ApusTraining
import Foundation
import Testing

/// Training steps on ranks that are threads, each of which keeps a part of the optimizer's state: the weights are those
/// of ranks that keep all of it, bit for bit.
struct DividedStateTests {
    /// Weights of 1024 elements and more, which few numbers of ranks divide evenly, and smaller ones.
    private static func step(_ optimizer: Optimizer) -> TrainingStep {
        TrainingStep(optimizer: optimizer) {
            let labels = Input("labels", [4], .int32)
            let logits = Sequential {
                Linear(6, 211).named("first")
                GELU()
                Linear(211, 37).named("second")
                LayerNorm(37)
                Linear(37, 3).named("head")
            }(Input("x", [4, 6]))
            Loss(crossEntropy(logits, labels))
        }
    }

    /// How numbers are computed, and how gradients travel.
    private struct Numbers {
        var precision = Compiler.Precision.float32, gradients = Compiler.Precision.float32
        /// Whether ranks hold weights as bf16.
        var narrows = false
    }

    private static func trained(
        _ ranks: Int, _ optimizer: Optimizer, dividesState: Bool, _ numbers: Numbers = Numbers(),
        _ uses: [Set<TracedStep.GradientUse>] = [[.update]]
    ) throws -> [(state: ProgramState, program: Program)] {
        try ThreadRanks.run(ranks) { communicator in
            var compiler = try Compiler(
                CompilerOptions(precision: numbers.precision, products: .generated), threads: 1,
                communicator: communicator, rankGradients: numbers.gradients, dividesState: dividesState)
            compiler.holdsWeightsAsBFloat16 = numbers.narrows
            let steps = try uses.map { try compiler.compile(step(optimizer), $0) }
            let state = try steps[uses.count - 1].makeState(seed: 5)
            for run in 0..<4 {
                let start = (run * ranks + communicator.rank) * 4
                _ = try steps[run % uses.count].run(state, RankTests.inputs(start..<start + 4))
            }
            return (state, steps[uses.count - 1].program)
        }
    }

    /// What ranks have of a state together: each part behind the one before.
    private static func whole(_ name: String, _ ranks: [ProgramState], count: Int) throws -> [Float] {
        let master = "optimizer.master.\(name)", isNarrow = ranks[0].type(of: master) != nil
        let parts = try ranks.map { try $0.read(isNarrow ? master : name).floats }
        return parts[0].count == count ? parts[0] : Array(parts.joined().prefix(count))
    }

    private static func expectSameBits(
        _ ranks: Int, _ optimizer: Optimizer, _ numbers: Numbers = Numbers(),
        _ uses: [Set<TracedStep.GradientUse>] = [[.update]], as comment: String
    ) throws {
        let whole = try trained(ranks, optimizer, dividesState: false, numbers, uses)
        let divided = try trained(ranks, optimizer, dividesState: true, numbers, uses)
        let expected = whole[0].state
        #expect(divided[0].state.names.filter { !$0.hasPrefix("optimizer.master.") } == expected.names, "\(comment)")
        for name in expected.names where !name.hasPrefix("accumulated.") {
            let wanted = try expected.read(name).floats
            let found = try Self.whole(name, divided.map(\.state), count: wanted.count)
            #expect(found.map(\.bitPattern) == wanted.map(\.bitPattern), "\(comment): \(name)")
        }
        for name in ["first.weight", "second.weight", "head.weight"] {
            let wanted = try expected.read(name).floats.map(Double.init)
            for rank in divided {
                let isNarrow = rank.state.type(of: name)?.element == .bf16
                #expect(isNarrow == (numbers.narrows && name != "head.weight"), "\(comment): \(name)")
                let found = try rank.state.read(name).hostTensor.values
                #expect(found == (isNarrow ? wanted.map(ElementType.bf16.rounded) : wanted), "\(comment): \(name)")
            }
        }
    }

    @Test(arguments: [2, 3, 4, 7])
    func weightsAreThoseOfWholeState(ranks: Int) throws {
        try Self.expectSameBits(ranks, .adamW(learningRate: 0.01), as: "adamW on \(ranks)")
    }

    @Test func optimizersThatGoBySingleNumbers() throws {
        let optimizers: [(String, Optimizer)] = [
            ("sgd", .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true)),
            ("adam", .adam(learningRate: 0.01, weightDecay: 0.01)),
            ("lion", .lion(learningRate: 0.01, weightDecay: 0.1)),
            ("rmsProp", .rmsProp(momentum: 0.9, weightDecay: 0.01, centered: true)),
            ("clipped", .adamW(learningRate: 0.01).clippingGradients(toNorm: 0.2)),
            ("averaged", .adamW(learningRate: 0.01).averagingWeights(decay: 0.9)),
            ("sharpness-aware", .sgd(learningRate: 0.1, momentum: 0.9).sharpnessAware(radius: 0.1)),
            (
                "groups",
                .adamW(learningRate: 0.01).grouping(ParameterGroup("first.*", learningRateScale: 0.5, weightDecay: 0.3))
            ),
        ]
        for (name, optimizer) in optimizers { try Self.expectSameBits(3, optimizer, as: name) }
    }

    @Test func accumulatedGradients() throws {
        try Self.expectSameBits(
            2, .adamW(learningRate: 0.01), Numbers(), [[.accumulate(of: 2)], [.updateWithAccumulated(of: 2)]],
            as: "accumulated")
    }

    @Test func gradientsThatTravelAsBFloat16() throws {
        try Self.expectSameBits(2, .adamW(learningRate: 0.01), Numbers(gradients: .bfloat16), as: "bf16")
    }

    /// In bf16 ranks hold what matmuls read as bf16, and a part of it in f32.
    @Test(arguments: [2, 3])
    func weightsHeldAsBFloat16(ranks: Int) throws {
        try Self.expectSameBits(
            ranks, .adamW(learningRate: 0.01), Numbers(precision: .bfloat16), as: "bf16 on \(ranks)")
        try Self.expectSameBits(
            ranks, .adamW(learningRate: 0.01), Numbers(precision: .bfloat16, narrows: true), as: "held on \(ranks)")
        let clipped = Optimizer.sgd(learningRate: 0.1, momentum: 0.9).clippingGradients(toNorm: 0.2)
        try Self.expectSameBits(
            ranks, clipped, Numbers(precision: .bfloat16, gradients: .bfloat16, narrows: true),
            [[.accumulate(of: 2)], [.updateWithAccumulated(of: 2)]], as: "clipped, accumulated, on \(ranks)")
    }

    /// Ranks keep their share of the moments, and biases as before.
    @Test func memory() throws {
        let whole = try Self.trained(4, .adamW(learningRate: 0.01), dividesState: false)[0].program
        let divided = try Self.trained(4, .adamW(learningRate: 0.01), dividesState: true)[0].program
        let large = 6 * 211 + 211 * 37, small = 211 + 37 + 2 * 37 + 37 * 3 + 3
        #expect(whole.optimizerBytes == 8 * (large + small))
        #expect(divided.optimizerBytes == 8 * ((6 * 211 + 3) / 4 + (211 * 37 + 3) / 4 + small))
        #expect(divided.parameterBytes - divided.optimizerBytes == whole.parameterBytes - whole.optimizerBytes)
        let narrow = try Self.trained(
            4, .adamW(learningRate: 0.01), dividesState: true, Numbers(precision: .bfloat16, narrows: true))[0].program
        let parts = (6 * 211 + 3) / 4 + (211 * 37 + 3) / 4
        #expect(narrow.parameterBytes == 2 * large + 12 * parts + 12 * small)
    }

    /// All ranks run the same graph: interpreted side by side, it gives them the same weights.
    @Test func theGraphSaysWhatIsDivided() throws {
        let graph = try Self.step(.sgd(learningRate: 0.1, momentum: 0.9)).trace(ranks: 3).wholeGraph(dividesState: true)
        var bindings: [Interpreter.Bindings] = []
        for rank in 0..<3 {
            var inputs = try RankTests.inputs(4 * rank..<4 * rank + 4).mapValues(\.hostTensor)
            inputs["learning_rate"] = HostTensor(TensorType(.f32, []), [0.1])
            inputs["optimizer_rank"] = HostTensor(TensorType(.i32, []), [Double(rank)])
            var parameters: [String: HostTensor] = [:]
            for (_, parameter) in graph.parameters {
                let isState = parameter.name.hasPrefix("optimizer.")
                let values = (0..<parameter.type.count).map { place -> Double in
                    isState ? 0 : Double((place * 7 + 3) % 11) / 20 - 0.25
                }
                parameters[parameter.name] = HostTensor(parameter.type, values)
            }
            bindings.append(Interpreter.Bindings(inputs: inputs, parameters: parameters))
        }
        let outcomes = try Interpreter().run(graph, ranks: bindings)
        for name in ["first.weight", "second.weight", "head.bias"] {
            let updated = try #require(outcomes[0].updates[name])
            #expect(updated.values != bindings[0].parameters[name]?.values, "\(name)")
            for outcome in outcomes { #expect(outcome.updates[name]?.values == updated.values, "\(name)") }
        }
        let momentum = outcomes.map { $0.updates["optimizer.momentum.second.weight"]?.values ?? [] }
        #expect(momentum[0].count == (211 * 37 + 2) / 3 && momentum[0] != momentum[1])
    }

    @Test func optimizersThatLookAtWholeWeights() {
        for optimizer in [Optimizer.lars(learningRate: 0.1), .adafactor()] {
            let text = message { _ = try Self.trained(2, optimizer, dividesState: true) }
            #expect(
                text.contains("it looks at whole weights, so that its state cannot be divided among ranks"), "\(text)")
        }
    }

    /// One rank keeps all, and needs no message.
    @Test func oneRankAlone() throws {
        let program = try Self.trained(1, .adamW(learningRate: 0.01), dividesState: true)[0].program
        #expect(program.collectives.isEmpty && !program.inputs.contains { $0.name == "optimizer_rank" })
    }
}
