import Apus
import Testing

// Shown in WritingALayer.md
/// Two linear layers with an activation between them, added to what they are given.
///
/// *Shapes*: [..., dim] -> the same.
struct FeedForward: Layer {
    let dim: Int
    var dropout = 0.1

    var body: some Layer {
        Residual {
            LayerNorm(dim).named("norm")
            Linear(dim, 4 * dim).named("fc1")
            GELU()
            Linear(4 * dim, dim).named("fc2")
            if dropout > 0 { Dropout(dropout) }
        }
    }
}
// Until here

// Shown in WritingALayer.md
/// A factor for each channel, which is learned (Touvron et al. 2021).
///
/// *Shapes*: [..., dim] -> the same.
struct LayerScale: Layer {
    let dim: Int
    var start = 0.1

    func callAsFunction(_ x: Tensor) -> Tensor { x * weight("gamma", [dim], .constant(start)) }
}
// Until here

// Shown in WritingALayer.md
/// Features that are scaled and shifted by what a condition says (Perez et al. 2018).
///
/// *Shapes*: [batch, dim], with a condition [batch, width] -> [batch, dim].
struct FeatureModulation: Layer {
    let dim: Int
    let condition: Tensor

    func callAsFunction(_ x: Tensor) -> Tensor {
        let width = condition.shape[1]
        let scale = Linear(width, dim).named("scale")(condition)
        let shift = Linear(width, dim).named("shift")(condition)
        return x * (1 + scale) + shift
    }
}
// Until here

// Shown in WritingALayer.md
/// Noise of ±width in training, and nothing afterwards.
///
/// *Shapes*: any -> the same.
struct Noise: Layer {
    var width = 0.1

    func callAsFunction(_ x: Tensor) -> Tensor {
        isTraining ? x + (randomUniform(x.shape) - 0.5) * (2 * width) : x
    }
}
// Until here

// Shown in WritingALayer.md
/// Every second number of each row.
///
/// *Shapes*: [batch, 2n] -> [batch, n].
struct EveryOther: Layer {
    func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.isValid else { return x }  // somebody has said already what is wrong
        guard x.rank == 2, x.shape[1] % 2 == 0 else {
            return x.mistake("EveryOther", "takes [batch,2n], has \(x.type)")
        }
        return x.reshape([x.shape[0], -1, 2]).slice(0..<1, axis: 2).squeezed(2)
    }
}
// Until here

// Shown in WritingALayer.md
/// Numbers divided by a number other than zero.
///
/// *Shapes*: any -> the same.
struct Quotient: Layer {
    let divisor: Double
    private let file: String, line: Int

    init(_ divisor: Double, file: String = #fileID, line: Int = #line) {
        (self.divisor, self.file, self.line) = (divisor, file, line)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            divisor == 0 ? x.mistake("Quotient", "divides by 0", .attribute) : x / divisor
        }
    }
}
// Until here

@Suite struct WritingALayer {
    /// The line of the layer's `init`, and the path at which it is called.
    @Test func placesOfMistakes() throws {
        let quotient = Quotient(0), line = #line
        let error = #expect(throws: GraphErrors.self) {
            try InferenceStep {
                let x = Input("x", [2, 5])
                Output("y", scope("outer") { quotient(x) })
            }.trace()
        }
        #expect(error?.description == "WritingALayer.swift:\(line): Quotient: divides by 0 in outer")
        let graph = try InferenceStep { Output("y", Quotient(2)(Input("x", [2, 5]))) }.trace()
        #expect(graph.nodes.last?.location?.path == "")
    }

    @Test func names() throws {
        // Shown in WritingALayer.md
        let step = InferenceStep {
            let x = Input("x", [2, 8])
            Output(
                "y",
                Sequential {
                    FeedForward(dim: 8, dropout: 0).named("mlp")
                    LayerScale(dim: 8).named("scale")
                }(x))
        }
        print(try step.summary())
        // Until here
        let text = try step.summary().description
        #expect(try Page("WritingALayer.md").blocks("text").contains(text), "\(text)")
    }

    @Test func severalInputs() throws {
        // Shown in WritingALayer.md
        let step = InferenceStep {
            let x = Input("x", [2, 8]), condition = Input("condition", [2, 3])
            Output("y", FeatureModulation(dim: 8, condition: condition).named("film")(x))
        }
        // Until here
        #expect(
            try step.trace().parameters.map(\.operation.name) == [
                "film.scale.weight", "film.scale.bias", "film.shift.weight", "film.shift.bias",
            ])
    }

    @Test func noiseInTrainingAlone() throws {
        let inference = try InferenceStep { Output("y", Noise()(Input("x", [4]))) }.trace()
        #expect(inference.nodes.count == 1)
        let training = TrainingStep(optimizer: .sgd(learningRate: 0)) {
            Loss(mean(Noise(width: 0.5)(LayerScale(dim: 64, start: 0).named("scale")(Input("x", [64])))))
        }
        let program = try Compiler(threads: 1).compile(training), state = try program.makeState(seed: 0)
        let x = ["x": try TensorData([Float](repeating: 1, count: 64))]
        let losses = try (0..<2).map { _ in try program.run(state, x).loss }
        #expect(losses[0] != losses[1] && losses.allSatisfy { abs($0) < 0.5 && $0 != 0 })
    }

    @Test func onNumbers() throws {
        // Shown in WritingALayer.md
        let step = InferenceStep { Output("y", LayerScale(dim: 2, start: 3)(Input("x", [1, 2]))) }
        let program = try Compiler().compile(step)
        let report = try program.run(
            program.makeState(seed: 0), ["x": TensorData([1, 2] as [Float], shape: [1, 2])])
        let y = report["y"]?.floats  // [3, 6]
        // Until here
        #expect(y == [3, 6])
    }

    @Test func mistakes() throws {
        #expect(throws: Never.self) { try InferenceStep { Output("y", EveryOther()(Input("x", [2, 6]))) }.trace() }
        do {
            // Shown in WritingALayer.md
            let graph = try InferenceStep { Output("y", EveryOther().named("half")(Input("x", [2, 5]))) }.trace()
            // Until here
            Issue.record("no mistake in \(graph)")
        } catch {
            let text = "\(error)".replacing(#/WritingALayer\.swift:\d+/#, with: "WritingALayer.swift:1")
            #expect(try Page("WritingALayer.md").blocks("text").contains(text), "\(text)")
        }
    }
}
