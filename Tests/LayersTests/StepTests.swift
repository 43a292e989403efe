import ApusIR
import ApusLayers
import Testing

@Suite struct StepTests {
    private func classifierStep(isReporting: Bool = true) -> TrainingStep {
        let classifier = Sequential {
            Flatten(); Linear(12, 3)
        }
        return TrainingStep("tiny", optimizer: .adamW(learningRate: 1e-3, betas: (0.9, 0.95), weightDecay: 0.05)) {
            let images = Input("images", [4, 3, 2, 2])
            let labels = Input("labels", [4], .int32)
            let logits = classifier(images)
            Loss(crossEntropy(logits, labels, smoothing: 0.1))
            if isReporting { Metric("accuracy", accuracy(logits, labels)) }
            Output("logits", logits)
        }
    }

    @Test func trainingStepTellsItsLossWeightsAndMetrics() throws {
        let traced = try classifierStep().trace()
        #expect(traced.graph.name == "tiny")
        #expect(traced.graph.inputs.map(\.operation.type.description) == ["f32[4,3,2,2]", "i32[4]"])
        #expect(traced.graph[traced.loss].type == TensorType(.f32, []))
        #expect(traced.weights.map { traced.graph[$0].type.shape } == [[3, 12], [3]])
        #expect(traced.metrics == ["accuracy"])
        #expect(traced.graph.results.map(\.kind) == ["loss", "accuracy", "logits"].map { .output(name: $0) })
        #expect(traced.optimizer.learningRate == 1e-3)
        try traced.graph.verify()
        #expect(try classifierStep(isReporting: false).trace().metrics.isEmpty)
    }

    @Test func tracingTwiceGivesTheSameGraph() throws {
        let step = classifierStep()
        #expect(try step.trace().graph == step.trace().graph)
    }

    @Test func fixedParametersAreNotWeights() throws {
        let traced = try TrainingStep(optimizer: .sgd(learningRate: 1)) {
            Loss(mean(Input("x", [2]) * weight("w", [2], .ones) + weight("table", [2], .ones, trainable: false)))
        }.trace()
        #expect(
            traced.weights.map { traced.graph.text(of: $0) } == [
                #"%1 = parameter {name = "w", init = "constant(1.0)", trainable = true} : f32[2]"#
            ])
    }

    @Test func frozenLayersHaveNoWeightsToTrain() throws {
        let traced = try TrainingStep(optimizer: .sgd(learningRate: 1)) {
            let features = frozen { Linear(3, 2).named("encoder")(Input("x", [1, 3])) }
            Loss(mean(Linear(2, 1).named("head")(features)))
        }.trace()
        #expect(
            traced.graph.parameters.map(\.operation.name) == [
                "encoder.weight", "encoder.bias", "head.weight", "head.bias",
            ])
        #expect(traced.graph.parameters.map(\.operation.trainable) == [false, false, true, true])
    }

    @Test func trainingStepNeedsOneScalarLossAndWeights() {
        func mistake(_ step: TrainingStep) -> String? { mistakes { _ = try step.trace() }.first }
        let line = #line
        let none = TrainingStep(optimizer: .sgd(learningRate: 1)) {
            Metric("m", mean(Linear(2, 1)(Input("x", [2, 2]))))
        }
        let two = TrainingStep(optimizer: .sgd(learningRate: 1)) { for _ in 0..<2 { Loss(mean(Input("x", [2]))) } }
        let unweighted = TrainingStep(optimizer: .sgd(learningRate: 1)) { Loss(mean(Input("x", [2]))) }
        let vector = TrainingStep(optimizer: .sgd(learningRate: 1)) { Loss(Input("x", [2])) }
        let counted = TrainingStep(optimizer: .sgd(learningRate: 1)) {
            Loss((Input("x", []) * weight("w", [], .ones)).cast(.int32))
        }
        #expect(mistake(none) == "StepTests.swift:\(line + 1): a training step has one Loss, this one has 0")
        #expect(mistake(two) == "StepTests.swift:\(line + 4): the result 'loss' is declared twice")
        #expect(mistake(unweighted) == "StepTests.swift:\(line + 5): the training step has no trainable weights")
        #expect(mistake(vector) == "StepTests.swift:\(line + 6): 'loss' is f32[2], not a scalar")
        #expect(mistake(counted) == "StepTests.swift:\(line + 7): the loss is i32[], which is not of floating point")
    }

    @Test func inferenceStepNeedsAnOutput() {
        #expect(
            mistakes { _ = try InferenceStep {}.trace() } == [
                "StepTests.swift:\(#line): an inference step has at least one Output"
            ])
    }

    @Test func inputsOfOneNameAreOneInput() throws {
        let graph = try InferenceStep { Output("y", Input("x", [2]) + Input("x", [2])) }.trace()
        #expect(graph.inputs.count == 1)
        let line = #line + 1
        let text = mistakes { _ = try InferenceStep { Output("y", Input("x", [2]) + Input("x", [1])) }.trace() }
        #expect(text == ["StepTests.swift:\(line): input: 'x' is declared as f32[2] and again, differently, as f32[1]"])
    }
}
