import ApusIR
import ApusLayers
import Testing

/// What belongs into the closure of a step and stands elsewhere, and statements that may stand inside.
struct OutsideOfStepsTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func inputsOutsideAreReportedWhereTheyAreUsed() {
        let line = #line + 1
        let x = Input("x", [2, 3])
        #expect(!x.isValid)
        let y = x * 2 + 1
        let expected =
            "OutsideOfStepsTests.swift:\(line): inputs and weights are declared in the closure of a step, not outside of it"
        #expect(message { _ = try InferenceStep { Output("y", y) }.trace() } == expected)
        #expect(
            message {
                _ = try InferenceStep {
                    let z = Input("z", [2, 3])
                    Output("y", z + x)
                    Output("q", matmul(x, z.transpose([1, 0])))
                }.trace()
            } == expected)
        #expect(
            message {
                _ = try InferenceStep { Output("y", Input("z", [2]) + weight("w", [2], .zeros)) }.trace()
            } == "no error")
    }

    @Test func joiningNothing() {
        let line = #line + 1
        let nothing = concatenate([], axis: 0)
        #expect(
            message { _ = try InferenceStep { Output("y", nothing) }.trace() }
                == "OutsideOfStepsTests.swift:\(line): concatenate: there are no tensors to join")
    }

    @Test func statements() throws {
        let graph = try InferenceStep {
            var x = Input("x", [2])
            for factor in [2.0, 3.0] { x = x * factor }
            if x.rank == 1 { x = x + 1 }
            Output("y", x)
        }.trace()
        #expect(graph.nodes.count { $0.operation is Multiply } == 2 && graph.nodes.contains { $0.operation is Add })
    }

    /// A weight that is not of f32 is not trained, as its documentation says.
    @Test func integersAreNotTrained() throws {
        let step = try TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
            let x = Input("x", [2])
            let count = weight("count", [], .ones, .int32)
            Loss(mean(x * weight("w", [2], .zeros)) + count.cast(.f32))
        }.trace()
        #expect(step.weights.count == 1)
    }

    @Test func namesOfTheOptimizersInputs() throws {
        let line = #line + 2
        let traced = try TrainingStep(optimizer: .adamW(learningRate: 0.1)) {
            let rate = Input("learning_rate", [])
            Loss(mean(weight("w", [2], .zeros)) * rate)
        }.trace()
        let builder = GraphBuilder(extending: traced.graph)
        traced.optimizer.appendUpdates(to: builder, [])
        #expect(
            message { _ = try builder.finish() }
                == "OutsideOfStepsTests.swift:\(line): input: the name 'learning_rate' belongs to an input of the optimizer; "
                + "give this one another")
    }
}
