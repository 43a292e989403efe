import Apus
import Foundation

/// What an experiment has come to: `experiment.json`, and a table.
public struct ExperimentResult: Codable, Hashable, Sendable {
    public struct Arm: Codable, Hashable, Sendable {
        /// The name of an ``ExperimentArm``.
        public var name: String
        public var title: String
        public var images: Int
        /// By checkpoint, path and metric, such as `last.all.accuracy`; only what all seeds have.
        public var results: [String: SeedSummary.Spread]
        /// What a path costs for an image: tokens, and billions of floating-point operations.
        public var cost: [String: Cost]
    }

    public struct Cost: Codable, Hashable, Sendable {
        public var tokens: Int
        public var gflops: Double
        /// Of the attention map that the masked path is drawn by.
        public var mapGflops: Double?
    }

    public var recipe: String
    public var seeds: [Int]
    public var pretrainingEpochs: Int, finetuningEpochs: Int
    public var arms: [Arm]

    /// A table in Markdown: the last epoch of each arm, mean and standard deviation over the seeds.
    public var table: String {
        let columns: [(title: String, key: String, scale: Double, digits: Int)] = [
            ("accuracy, all patches", "last.all.accuracy", 100, 2),
            ("accuracy, masked path", "last.masked.accuracy", 100, 2),
            ("macro F1", "last.all.macro_f1", 100, 2), ("mean AUC", "last.all.mean_auc", 1, 4),
            ("best epoch*", "best.all.accuracy", 100, 2),
        ]
        func cell(_ spread: SeedSummary.Spread?, _ scale: Double, _ digits: Int) -> String {
            guard let spread else { return "-" }
            return String(format: "%.\(digits)f", spread.mean * scale)
                + (spread.deviation.map { String(format: " ± %.\(digits)f", $0 * scale) } ?? "")
        }
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let lines = arms.map { arm in
            row(
                [arm.title] + columns.map { cell(arm.results[$0.key], $0.scale, $0.digits) } + [
                    arm.cost["all"].map { String(format: "%.3f", $0.gflops) } ?? "-",
                    arm.cost["masked"].map { String(format: "%.3f + %.3f", $0.gflops, $0.mapGflops ?? 0) } ?? "-",
                ])
        }
        let head = ["training"] + columns.map(\.title) + ["GFLOP, all", "GFLOP, masked + map"]
        return ([row(head), row(head.map { _ in "---" })] + lines).joined(separator: "\n")
    }

    /// What the table means.
    public var note: String {
        let count = arms.first?.images ?? 0
        return """
            Recipe \(recipe), \(seeds.count == 1 ? "seed \(seeds[0])" : "\(seeds.count) seeds, mean ± standard deviation"), \(count) validation images; accuracy and F1 in per cent, after the last epoch. Equal \
            budgets: \(pretrainingEpochs) epochs of pre-training and \(finetuningEpochs) of fine-tuning; from scratch, \(pretrainingEpochs + finetuningEpochs) epochs \
            of training. GFLOP for an image, two to a multiply-add.
            * The best epoch is chosen by the images that it is measured on: its accuracy is too high, and no number to compare by.
            """
    }

    /// Writes the result as JSON.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}

extension ExperimentResult.Arm {
    /// Compares the evaluations of an arm's seeds, of which there is at least one.
    init(_ arm: ExperimentArm, _ reports: [EvaluationReport]) {
        let summary = SeedSummary(
            task: RunKind.finetune.rawValue, seeds: Array(reports.indices), reports.map(\.numbers))
        var cost: [String: ExperimentResult.Cost] = [:]
        for result in reports.first?.results ?? [] where result.checkpoint == "last" {
            cost[result.path.rawValue] = .init(
                tokens: result.tokens, gflops: result.gflops, mapGflops: result.mapGflops)
        }
        self.init(
            name: arm.rawValue, title: arm.title, images: reports.first?.images ?? 0, results: summary.results,
            cost: cost)
    }
}
