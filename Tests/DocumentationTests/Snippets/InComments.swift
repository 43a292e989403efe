import Apus
import Testing

// Shown in Sources/Layers/Layer.swift
struct Perceptron: Layer {  // [batch, dim] -> the same
    let dim: Int
    var body: some Layer {
        Linear(dim, 4 * dim).named("fc1")
        GELU()
        Linear(4 * dim, dim).named("fc2")
    }
}
// Until here

// Shown in Sources/Training/Fit/DataSource.swift
struct Digits: DataSource {
    let pixels: [[Float]], labels: [Int32]
    var count: Int { labels.count }
    func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        [
            "images": try TensorData(samples.flatMap { pixels[$0] }, shape: [samples.count, 64]),
            "labels": try TensorData(samples.map { labels[$0] }),
        ]
    }
}
// Until here

/// Code in the comments of sources.
@Suite struct InComments {
    private let classifier = Linear(784, 10)

    @Test func steps() throws {
        // Shown in Sources/Layers/Steps/TrainingStep.swift
        let step = TrainingStep(optimizer: .adamW(learningRate: 1e-3)) {
            let images = Input("images", [64, 784])
            let labels = Input("labels", [64], .int32)
            let logits = classifier(images)
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
        // Until here
        let images = try TensorData([Float](repeating: 0.5, count: 64 * 784), shape: [64, 784])
        let labels = try TensorData((0..<64).map { $0 % 10 })
        // Shown in Sources/Training/Compiler.swift
        let program = try Compiler().compile(step)
        let state = try program.makeState(seed: 0)
        let report = try program.run(state, ["images": images, "labels": labels])
        print(report.loss)
        // Until here
        #expect(report.loss > 1 && report.loss < 5)
    }

    @Test func inference() throws {
        // Shown in Sources/Layers/Steps/InferenceStep.swift
        let step = InferenceStep {
            let images = Input("images", [1, 784])
            Output("probabilities", softmax(classifier(images)))
        }
        // Until here
        #expect(try step.trace().results.count == 1)
    }

    @Test func layers() throws {
        func shortcut() -> some Layer {
            // Shown in Sources/Layers/Library/Containers.swift
            Residual {
                Conv2D(64, 128, kernel: 3, stride: 2, padding: 1).named("conv1")
            } shortcut: {
                Conv2D(64, 128, kernel: 1, stride: 2).named("downsample")
            }
            // Until here
        }
        let graph = try InferenceStep {
            Output("y", shortcut()(Input("x", [1, 64, 8, 8])))
            Output("z", Perceptron(dim: 4)(Input("z", [2, 4])))
        }.trace()
        #expect(graph.parameters.first?.operation.name == "conv1.weight")
        #expect(try Digits(pixels: [[Float](repeating: 0, count: 64)], labels: [3]).batch([0], epoch: 0).count == 2)
    }

    @Test func inspection() throws {
        let compiler = try Compiler(threads: 1)
        let step = TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
            let features = Sequential { Linear(4, 4).named("0") }.named("blocks")(Input("x", [2, 4]))
            Loss(mean(Linear(4, 1).named("head")(features)))
        }
        let state = try compiler.compile(step).makeState(seed: 0)
        let inputs = ["x": try TensorData([Float](repeating: 1, count: 8), shape: [2, 4])]
        // Shown in Sources/Training/Inspection.swift
        let program = try compiler.compile(step, inspecting: Inspection(layers: ["blocks.*"], gradientNorms: true))
        let report = try program.run(state, inputs)
        print(report["blocks.0"]!.floats, report["grad_norm.head.weight"]!.scalar)
        // Until here
        #expect(report["blocks.0"]?.type.shape == [2, 4])
    }
}
