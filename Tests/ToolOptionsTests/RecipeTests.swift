import Apus
import Foundation
import MSMAE
import Testing
import ToolOptions

@Suite struct RecipeTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("recipes-\(UUID().uuidString)")
        .path

    /// Reads a recipe from a text; its path is `DIR/own.yaml` in errors.
    private func read(_ text: String, _ replacements: [String] = []) throws -> Recipe {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try text.write(toFile: "\(folder)/own.yaml", atomically: true, encoding: .utf8)
        return try RecipeFile.read("\(folder)/own.yaml", replacing: replacements)
    }

    private func message(_ text: String, _ replacements: [String] = []) -> String? {
        do {
            _ = try read(text, replacements)
            return nil
        } catch {
            return "\(error)".replacingOccurrences(of: folder, with: "DIR")
        }
    }

    private let head = "name: own\ntitle: Mine\ndata:\n  classes: [a, b]\n"

    @Test(arguments: RecipeFile.names)
    func shippedRecipesAreWhole(name: String) throws {
        let recipe = try RecipeFile.read(name)
        #expect(recipe.name == name && recipe.variant == .corrected)
        #expect(!recipe.source.isEmpty)
        // A published number comes with what explains it.
        #expect(recipe.published.isEmpty || !recipe.note.isEmpty)
        #expect(
            recipe.layout == .masks
                || recipe.sections.keys.contains(.pretrain) && recipe.sections.keys.contains(.finetune))
        // What is written is read again as the same.
        #expect(try read(RecipeFile.text(of: recipe)) == recipe)
    }

    @Test func publishedNumbersAreCounts() throws {
        // 30 % of each class, rounded down, for validation.
        for (name, images, correct, of) in [
            ("messidor2", 1744, 331, 522), ("btmd", 7023, 2072, 2106), ("ham10000", 10015, 2460, 3001),
            ("chestxray2017", 5856, 1748, 1755),
            ("busi", 780, 181, 233),
        ] {
            let recipe = try RecipeFile.read(name)
            #expect(recipe.images == images)
            #expect(recipe.published["accuracy"] == (Double(correct) / Double(of) * 10000).rounded() / 100)
            #expect(recipe.note.contains("\(correct) of them"))
        }
    }

    /// An experiment's folder has one recipe, and what lies there in its place is nobody's to write over.
    @Test func anExperimentKeepsItsRecipe() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recipe = try RecipeFile.read("phantom"), path = "\(folder)/recipe.yaml"
        try RecipeFile.keep(recipe, ofExperiment: folder)
        try RecipeFile.keep(recipe, ofExperiment: folder)
        #expect(try RecipeFile.read(path) == recipe)
        let changed = try RecipeFile.read("phantom", replacing: ["finetune.epochs=3"])
        #expect(throws: ExperimentError.self) { try RecipeFile.keep(changed, ofExperiment: folder) }
        #expect(try RecipeFile.read(path) == recipe)

        let inLatin1 = Data("title: M".utf8) + [0xFC] + Data("nchen\n".utf8)
        try inLatin1.write(to: URL(fileURLWithPath: path))
        #expect(throws: (any Error).self) { try RecipeFile.keep(recipe, ofExperiment: folder) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == inLatin1)
    }

    @Test func settingsCarryVariantAndWindow() throws {
        let recipe = try RecipeFile.read(
            "messidor2", replacing: ["variant=released", "finetune.epochs=3", "finetune.drop_path=0"])
        #expect(recipe.settings(.finetune)["variant"] == .text("released"))
        #expect(recipe.settings(.pretrain)["variant"] == .text("released"))
        #expect(recipe.settings(.finetune)["epochs"] == .integer(3))
        #expect(recipe.settings(.finetune)["drop-path"] == .integer(0))
        #expect(recipe.settings(.pretrain)["blr"] == .number(1e-3))
        #expect(try RecipeFile.read("deeplesion").window == "-1024,3071")
        for kind in [RunKind.pretrain, .finetune, .linprobe] {
            #expect(try RecipeFile.read("deeplesion").settings(kind)["window"] == .text("-1024,3071"))
            #expect(recipe.settings(kind)["window"] == nil)
        }
        #expect(try RecipeFile.read("deeplesion", replacing: ["data.window=[-160, 240]"]).window == "-160,240")
    }

    @Test func mistakesAreReportedWithTheirLine() {
        #expect(message(head + "finetune:\n  epochs: 3\n") == nil)
        #expect(
            message(head + "finetune:\n  epoch: 3\n")
                == "DIR/own.yaml:6: there is no setting 'finetune.epoch'; did you mean epochs?")
        #expect(
            message(head + "finetune:\n  batch: 2\n  epochs: many\n")
                == "DIR/own.yaml:7: finetune.epochs is 'many'; it must be a whole number")
        #expect(
            message(head + "finetune:\n  mask-ratio: 2\n")
                == "DIR/own.yaml:6: finetune.mask-ratio is 2; it must be from 0 to 1")
        #expect(message(head + "finetune:\n  epochs: 2\n  epochs: 3\n")?.contains("own.yaml") == true)
        for (text, name) in [
            ("train:\n  epochs: 2\n", "6: there is no setting 'train.epochs'"),
            ("pretrain: 5\n", "5: there is no setting 'pretrain'"),
            ("colour: red\n", "5: there is no setting 'colour'"),
        ] {
            #expect(message(head + text) == "DIR/own.yaml:\(name); --help lists those that are known")
        }
        #expect(message("name: 5\n") == "DIR/own.yaml:1: name is '5'; it must be a text")
        #expect(
            message(head + "variant: fixed\n")
                == "DIR/own.yaml:5: variant is fixed; it must be one of corrected, released")
        #expect(
            message(head + "published:\n  accuracy: high\n")
                == "DIR/own.yaml:6: published.accuracy is 'high'; it must be a number")
        #expect(message("title: [a, {b: c}]\n") == "DIR/own.yaml:1: title is not a single value or a list of them")
        #expect(
            message("data:\n  classes: [a, a]\n")
                == "DIR/own.yaml:2: data.classes is a,a; it must be a list of different names")
        #expect(
            message("data:\n  window: 5,1\n")
                == "DIR/own.yaml:2: data.window is 5,1; it must be two numbers, the lower one first, such as -1024,3071"
        )
        #expect(
            message("data:\n  split: train=0.7\n")
                == "DIR/own.yaml:2: data.split is train=0.7; it must be names with shares that add up to 1, such as train=0.7,val=0.3"
        )
        #expect(message("data:\n  seed: 0.5\n") == "DIR/own.yaml:2: data.seed is '0.5'; it must be a whole number")
        #expect(message("- a\n") == "DIR/own.yaml:1: not a mapping of names to values")
        #expect(message("a: [\n")?.hasPrefix("DIR/own.yaml:2: not YAML: ") == true)
    }

    @Test func whatIsMissingIsNamed() {
        #expect(message("") == "DIR/own.yaml: name is missing")
        #expect(message("name: own\ntitle: Mine\n") == "DIR/own.yaml: data.classes is missing")
        #expect(
            message(head) == "DIR/own.yaml: a section of settings (pretrain, finetune, linprobe, segment) is missing")
        #expect(throws: (any Error).self) { try RecipeFile.read("/nowhere/recipe.yaml") }
        let error = #expect(throws: (any Error).self) { try RecipeFile.read("imagenet") }
        #expect(
            error.map { "\($0)" } == "imagenet: there is no recipe of that name; give one of "
                + RecipeFile.names.joined(separator: ", ") + ", or the path of a YAML file")
    }

    @Test func replacementsAreChecked() {
        let whole = head + "finetune:\n  epochs: 3\n"
        #expect(message(whole, ["finetune.epochs=4"]) == nil)
        #expect(
            message(whole, ["finetune.epochs"]) == "--set finetune.epochs: write NAME=VALUE, such as finetune.epochs=3")
        #expect(
            message(whole, ["finetune.epochs=x"])
                == "--set finetune.epochs=x: finetune.epochs is 'x'; it must be a whole number")
        #expect(
            message(whole, ["finetune.speed=1"])
                == "--set finetune.speed=1: there is no setting 'finetune.speed'; did you mean seed?")
    }
}
