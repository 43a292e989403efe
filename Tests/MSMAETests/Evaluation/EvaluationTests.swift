import Apus
import Foundation
import MSMAE
import Testing

/// Evaluation of scores and classifiers whose numbers are known.
@Suite(.serialized) struct EvaluationTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    @Test func scoresByHand() throws {
        // Softmax of (log 3, 0) is (3/4, 1/4).
        let high = Float(log(3.0))
        let evaluation = try Evaluation(
            path: .all, logits: [high, 0, high, 0, 0, high, high, 0], features: [], labels: [0, 0, 1, 1], classes: 2,
            secondsPerImage: 0)
        for (share, expected) in zip(evaluation.probabilities, [0.75, 0.25, 0.75, 0.25, 0.25, 0.75, 0.75, 0.25]) {
            #expect(abs(share - expected) < 1e-7)
        }
        #expect(abs(evaluation.loss - (3 * log(4.0 / 3) + log(4.0)) / 4) < 1e-7)
        #expect(evaluation.metrics.accuracy == 0.75 && evaluation.metrics.confusion == [[2, 0], [1, 1]])
        #expect(evaluation.metrics.areaUnderROC == [0.75, 0.75])
    }

    /// A head of zeros with a bias gives all images the same probabilities.
    @Test func aClassifierWithAHeadMadeByHand() throws {
        let run = folder.file("run")
        try start(ClassifierTask<FineTuningSettings>.self, run, set.fineTuning(["batch": .integer(5)]), until: 0)
        let latest = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        let file = try SafetensorsFile(contentsOf: latest)
        let changed = folder.file("changed.safetensors")
        try SafetensorsWriter.write(
            to: changed, metadata: file.metadata,
            tensors: try file.names.map { name in
                switch name {
                case "head.weight": .init(name, [2, 96], floats: [Float](repeating: 0, count: 192))
                case "head.bias": .init(name, [2], floats: [2, 0])
                default: .init(name, try file.shape(name), floats: try file.floats(name))
                }
            })
        let classifier = try Classifier(checkpoint: changed)
        // 32 images make six whole batches and a part of one.
        let (report, skipped, _) = try classifier.evaluate(set.path, part: "train")
        #expect(
            skipped.isEmpty && report.images == 32 && report.task == "finetune" && report.classes == classifier.classes)
        let counts = try ImageFolder(root: set.path + "/train").items.reduce(into: [0, 0]) { $0[Int($1.label)] += 1 }
        let share = 1 / (1 + exp(-2.0)), first = Double(counts[0]) / 32
        for result in report.results {
            #expect(abs(result.loss + first * log(share) + (1 - first) * log(1 - share)) < 1e-6)
            #expect(result.accuracy == first && result.top2Accuracy == 1 && result.auc == [0.5, 0.5])
            #expect(result.confusion == [[counts[0], 0], [counts[1], 0]])
        }
        #expect(
            report.results.map(\.tokens) == [17, 5] && report.results.map { $0.mapGflops == nil } == [true, false])
        let image = try ImageDecoder().decode(path: ImageFolder(root: set.path + "/val").items[0].path)
        #expect(abs(try classifier.probabilities(of: image)[0] - share) < 1e-6)
    }

    /// What the README of the public code calls FLOPs are multiply-adds; here they count twice.
    @Test func costsOfThePaper() throws {
        let saved = folder.file("report.json")
        var report = EvaluationReport(task: "finetune", classes: ["a", "b"], images: 1)
        let cost = ModelCost(of: try MaskedAutoencoder(.base).classification(batch: 1).trace())
        let evaluation = try Evaluation(
            path: .all, logits: [0, 1], features: [1], labels: [1], classes: 2, secondsPerImage: 0.002)
        report.add(
            evaluation, EvaluationCost(tokens: 197, classification: cost, map: nil), checkpoint: "last", epoch: 3)
        #expect(String(format: "%.1f %.1f", report.results[0].gflops, report.results[0].gflopsLinear) == "35.1 33.7")
        try report.write(to: saved)
        #expect(try EvaluationReport(contentsOf: saved) == report)
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: saved))) as? [String: Any])
        let result = try #require((json["results"] as? [[String: Any]])?.first)
        #expect(
            Set(result.keys) == [
                "checkpoint", "epoch", "path", "loss", "accuracy", "top2_accuracy", "macro_f1", "macro_recall", "auc",
                "recall", "f1", "confusion",
                "tokens", "gflops", "gflops_linear", "ms_per_image",
            ])
        #expect(
            report.text.hasSuffix(
                "no area under the ROC curve, and left out of its mean: a, b (all 1 images are of it, or none)"))
    }

    @Test func aCheckpointOfAnotherSizeIsNamedWithItsTensors() throws {
        let run = folder.file("run")
        try start(ClassifierTask<FineTuningSettings>.self, run, set.fineTuning(), until: 0)
        let latest = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        let file = try SafetensorsFile(contentsOf: latest)
        var metadata = file.metadata
        metadata["settings"] = metadata["settings"]?.replacingOccurrences(
            of: "\"image-size\" : 32", with: "\"image-size\" : 40")
        try SafetensorsWriter.write(
            to: latest, metadata: metadata,
            tensors: try file.names.map { .init($0, try file.shape($0), floats: try file.floats($0)) })
        let error = #expect(throws: RunError.self) { try Classifier(checkpoint: run).evaluate(set.path) }
        #expect(
            error?.description
                == "\(latest): the checkpoint does not fit the model: 'pos_embed' is F32 [1, 17, 96] in the file and F32 [1, 26, 96] in the model"
        )
    }
}
