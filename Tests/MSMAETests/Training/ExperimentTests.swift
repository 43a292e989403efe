import Apus
import Foundation
import MSMAE
import Testing

/// The comparison of ways to train.
@Suite struct ExperimentTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    private func recipe() throws -> Recipe {
        var recipe = Recipe()
        recipe.name = "small"
        for (path, value) in set.settings where path != "data" && path != "threads" {
            try recipe.set("pretrain.\(path)", value)
        }
        let finetuning: [String: SettingValue] = [
            "preset": .text("demo"), "image-size": .integer(32), "epochs": .integer(1), "batch": .integer(8),
            "warmup-epochs": .number(0),
        ]
        for (name, value) in finetuning { try recipe.set("finetune.\(name)", value) }
        try recipe.set("pretrain.epochs", .integer(2))
        return recipe
    }

    private func experiment(_ out: String, seeds: Int = 1, _ recipe: Recipe) throws -> Experiment {
        try Experiment(
            recipe, path: folder.file(out), seeds: seeds, given: ["data": .text(set.path), "threads": .integer(2)])
    }

    @Test func everyArmIsTrainedWithTheSameBudget() throws {
        let experiment = try experiment("whole", recipe())
        let result = try #require(try experiment.run(output: .silent) { _ in false })
        #expect(result.arms.map(\.name) == ["scratch", "mae", "released", "corrected"])
        #expect(result.pretrainingEpochs == 2 && result.finetuningEpochs == 1)
        func settings(_ arm: ExperimentArm, _ kind: RunKind) throws -> [String: SettingValue] {
            let data = try Data(contentsOf: URL(fileURLWithPath: experiment.folder(arm, kind, 0) + "/config.json"))
            return try JSONDecoder().decode([String: SettingValue].self, from: data)
        }
        #expect(
            try settings(.scratch, .finetune)["epochs"] == .integer(3)
                && settings(.mae, .finetune)["epochs"] == .integer(1))
        #expect(try settings(.scratch, .finetune)["init"] == .text("none"))
        #expect(try settings(.mae, .finetune)["init"] == .text(experiment.folder(.mae, .pretrain, 0)))
        #expect(
            try settings(.mae, .pretrain)["method"] == .text("mae")
                && settings(.released, .pretrain)["variant"] == .text("released"))
        #expect(
            try settings(.corrected, .finetune)["method"] == .text("msmae")
                && settings(.corrected, .finetune)["variant"] == .text("corrected"))

        for arm in result.arms {
            let name = try #require(ExperimentArm(rawValue: arm.name))
            let report = try EvaluationReport(contentsOf: experiment.folder(name, .finetune, 0) + "/evaluation.json")
            #expect(
                arm.results["last.all.accuracy"]?.values
                    == report.results.filter { $0.checkpoint == "last" && $0.path == .all }.map(\.accuracy))
            #expect(arm.cost["masked"]!.tokens < arm.cost["all"]!.tokens)
        }
        #expect(result.table.split(separator: "\n").count == 6 && result.table.contains("| MSMAE, released | "))
    }

    /// An experiment that was stopped in the middle of some run goes on there and ends as if it had not been.
    @Test func aStoppedExperimentGoesOn() throws {
        let recipe = try recipe()
        let whole = try #require(try experiment("reference", recipe).run(output: .silent) { _ in false })
        var asked = 0
        #expect(
            try experiment("stopped", recipe).run(output: .silent) { _ in
                asked += 1
                return asked > 30
            } == nil)
        let goneOn = try #require(try experiment("stopped", recipe).run(output: .silent) { _ in false })
        #expect(goneOn.arms.map(\.results) == whole.arms.map(\.results))
        // What has finished is not done again.
        let again = try #require(try experiment("stopped", recipe).run(output: .silent) { _ in true })
        #expect(again.arms.map(\.results) == whole.arms.map(\.results))
    }

    /// Images that only fine-tuning looks at.
    @Test func brokenImagesAreFoundBeforePreTraining() throws {
        let data = folder.file("data")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        let image = try #require(try ImageFolder(root: data + "/val").items.last).path
        try Data(contentsOf: URL(fileURLWithPath: image)).prefix(200).write(to: URL(fileURLWithPath: image))
        let experiment = try Experiment(recipe(), path: folder.file("broken"), given: ["data": .text(data)])
        let error = #expect(throws: DataError.self) { try experiment.run(output: .silent) { _ in false } }
        #expect(error?.path == image && !FileManager.default.fileExists(atPath: folder.file("broken")))
    }

    @Test func recipesWithoutClassificationAreRefused() throws {
        var recipe = Recipe()
        recipe.name = "regions"
        try recipe.set("pretrain.epochs", .integer(1))
        let error = #expect(throws: ExperimentError.self) { try experiment("none", recipe) }
        #expect(
            error?.description
                == "regions: an experiment compares classifiers, and the recipe lacks a section 'pretrain' or 'finetune'"
        )
    }
}
