import Apus
import ApusExamples
import Foundation
import Testing

@Suite struct ResNet18Tests {
    private func graph(_ model: ResNet18, shape: [Int]) throws -> Graph {
        try InferenceStep { Output("logits", model(Input("images", shape))) }.trace()
    }

    @Test func hasTorchvisionsWeights() throws {
        let step = TrainingStep(optimizer: .sgd(learningRate: 0)) {
            Loss(mean(ResNet18()(Input("images", [2, 3, 64, 64]))))
        }
        let parameters = try step.trace().graph.parameters.map(\.operation)
        #expect(parameters.filter(\.trainable).map(\.type.count).reduce(0, +) == 11_689_512)

        // The state dict of torchvision.models.resnet18().
        func norm(_ name: String) -> [String] {
            ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map { "\(name).\($0)" }
        }
        var names = ["conv1.weight"] + norm("bn1") + ["fc.weight", "fc.bias"]
        for layer in 1...4 {
            for block in 0...1 {
                let path = "layer\(layer).\(block)"
                for part in 1...2 { names += ["\(path).conv\(part).weight"] + norm("\(path).bn\(part)") }
            }
            guard layer > 1 else { continue }
            names += ["layer\(layer).0.downsample.0.weight"] + norm("layer\(layer).0.downsample.1")
        }
        #expect(names.count == 122 && parameters.map(\.name).sorted() == names.sorted())
    }

    @Test func shapes() throws {
        let graph = try graph(ResNet18(classes: 7, width: 8), shape: [2, 3, 64, 96])
        #expect(graph.results.map { graph[$0.value].type.shape } == [[2, 7]])
        let summary = try InferenceStep { Output("y", ResNet18()(Input("x", [1, 3, 224, 224]))) }.summary(depth: 1)
        let results = Dictionary(uniqueKeysWithValues: summary.rows.map { ($0.path, $0.result.shape) })
        #expect(results["conv1"] == [1, 64, 112, 112] && results["layer1"] == [1, 64, 56, 56])
        #expect(results["layer2"] == [1, 128, 28, 28] && results["layer4"] == [1, 512, 7, 7])
        #expect(throws: GraphErrors.self) { try self.graph(ResNet18(), shape: [1, 1, 64, 64]) }
    }

    @Test func learns() throws {
        let data = ColouredShapes(count: 16, seed: 1)
        #expect(try lossFalls(ResNet18.step(batch: 16, width: 4), data.batch(Array(0..<16), epoch: 0), runs: 12))
    }

    @Test func drawsAllFigures() throws {
        let data = ColouredShapes(count: 40, seed: 3), first = try data.batch([5, 6], epoch: 0)
        #expect(first["images"]?.type.shape == [2, 3, 32, 32] && first["labels"]?.type.shape == [2])
        // An image follows from its number alone.
        #expect(try data.batch([6], epoch: 4)["images"] == first["images"]?.samples([1]))
        #expect(try Set(data.batch(Array(0..<40), epoch: 0)["labels"]?.integers ?? []) == [0, 1, 2, 3])
        #expect(try ColouredShapes(count: 40, seed: 4).batch([6], epoch: 0)["images"] != first["images"]?.samples([1]))
    }
}

/// Whether the loss of a step, run again and again on one batch, falls by a fifth, and not below 0.
func lossFalls(_ step: TrainingStep, _ batch: [String: TensorData], runs: Int) throws -> Bool {
    let program = try Compiler(threads: 2).compile(step), state = try program.makeState(seed: 1)
    let losses = try (0..<runs).map { _ in try program.run(state, batch).loss }
    return losses.allSatisfy { 0..<Float.infinity ~= $0 } && losses[runs - 1] < 0.8 * losses[0]
}
