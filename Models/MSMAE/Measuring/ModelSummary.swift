import Apus
import ApusInspection
import Foundation

/// What a model is made of, what its steps cost, and the memory that they need.
public struct ModelSummary: Sendable {
    /// A step: multiply-adds of its forward pass for one image, and the memory of its program.
    public struct StepCost: Sendable {
        public let step: NamedStep
        /// Of one image, forward.
        public let cost: ModelCost
        /// Trainable weights and position tables.
        public let weightBytes: Int
        /// What the optimizer keeps about the weights.
        public let optimizerBytes: Int
        /// Inputs, intermediate values and results of a batch.
        public let activationBytes: Int
    }

    public let configuration: Configuration
    public let batch: Int
    public let steps: [StepCost]

    /// Traces and compiles the steps of a model for a batch.
    public init(_ configuration: Configuration, batch: Int, _ compiler: Compiler) throws {
        self.configuration = configuration
        self.batch = batch
        let model = try MaskedAutoencoder(configuration)
        steps = try [NamedStep.pretrain, .pretrainRandom, .infer].map { step in
            let program = try step.declaration(of: model, batch: batch).compiled(by: compiler).program
            let optimizer = program.optimizerBytes
            return StepCost(
                step: step, cost: ModelCost(of: try step.declaration(of: model, batch: 1).forward()),
                weightBytes: program.parameterBytes - optimizer, optimizerBytes: optimizer,
                activationBytes: program.activationBytes)
        }
    }

    /// The summary as text.
    public var text: String {
        let (model, random, attention) = (configuration, configuration.split(.random), configuration.split(.attention))
        var lines = [
            "images      \(model.image) x \(model.image), \(model.channels) channels, in \(model.tokens) patches of \(model.patch) x \(model.patch)",
            "encoder     \(model.depth) blocks, dimension \(model.dim), \(model.heads) heads",
            "decoder     \(model.decoderDepth) blocks, dimension \(model.decoderDim), \(model.decoderHeads) heads",
            "attention   masks \(attention.masked), throws away \(attention.thrown), keeps \(attention.kept) patches",
            "random      masks \(random.masked), keeps \(random.kept) patches",
            "classes     \(model.classes)",
            "",
        ]
        func billions(_ count: Int) -> String {
            String(format: count < 1_000_000_000 ? "%.4f" : "%.2f", Double(count) / 1e9)
        }
        let rows =
            [
                [
                    "step", "weights", "GMAC / image", "without attention", "weights MB", "optimizer MB",
                    "activations MB",
                    "in all MB",
                ]
            ]
            + steps.map { step in
                let bytes = [step.weightBytes, step.optimizerBytes, step.activationBytes]
                return [
                    step.step.rawValue, String(format: "%.2f M", Double(step.cost.trainableWeights) / 1e6),
                    billions(step.cost.total), billions(step.cost.linear),
                ] + (bytes + [bytes.reduce(0, +)]).map { String(format: "%.1f", Double($0) / 1e6) }
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        lines += rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }
        return
            (lines + [
                "",
                "GMAC: billions of multiply-adds of the forward pass, which publications on vision transformers call FLOPs;",
                "without attention: without the matmuls of queries with keys and of probabilities with values.",
                "Memory is that of the compiled program for a batch of \(batch).",
            ]).joined(separator: "\n")
    }
}
