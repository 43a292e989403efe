import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct ExperimentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment",
        abstract: "Trains by a recipe from scratch, as MAE, as MSMAE released and corrected, and compares them.",
        discussion: """
            All have equal budgets. Folders ARM/pretrain/seed-K and ARM/finetune/seed-K in OUT are runs like any other; experiment.json and \
            table.md hold the comparison, recipe.yaml the recipe with what was changed. Called again with the same OUT, it goes on where it \
            was stopped. For figures: msmae report OUT/*/finetune --out FILE.html.
            """)

    @Argument(help: "A name that `msmae recipes` lists, or a YAML file.") var recipe: String
    @Option(help: "Folder of images, with train/CLASS and val/CLASS.") var data: String
    @Option(help: "Folder of the experiment.") var out: String
    @Option(help: ArgumentHelp("A value in place of the recipe's, such as finetune.epochs=3.", valueName: "name=value"))
    var set: [String] = []
    @Option(help: "Runs of each arm, with consecutive seeds.") var seeds = 1
    @Option(help: "What to compare; may be given more than once. (default: all)") var arm: [ExperimentArm] = []
    @OptionGroup var images: ImageCacheOptions
    @OptionGroup var workers: ThreadOptions
    @Flag(help: "Leave out images that cannot be read.") var skipUnreadable = false

    func validate() throws {
        guard (1...1000).contains(seeds) else {
            throw SettingError.outOfRange(name: "seeds", value: .integer(seeds), allowed: "from 1 to 1000")
        }
    }

    func run() throws {
        let recipe = try RecipeFile.read(recipe, replacing: set)
        var given: [String: SettingValue] = images.settings
        given["data"] = .text(data)
        given["threads"] = workers.threads.map { .integer($0) }
        if workers.pinned { given["pin"] = .flag(true) }
        if skipUnreadable { given["skip-unreadable"] = .flag(true) }
        let experiment = try Experiment(
            recipe, path: out, arms: arm.isEmpty ? ExperimentArm.allCases : arm, seeds: seeds, given: given)
        let lock = try FolderLock(creating: out)
        defer { lock.release() }
        try RecipeFile.keep(recipe, ofExperiment: out)
        Interrupt.install()
        guard let result = try experiment.run() else {
            print("the experiment stopped; the same command goes on where it was")
            throw ExitCode(128 + (Interrupt.signal ?? SIGINT))
        }
        try result.write(to: out + "/experiment.json")
        try AtomicFile.write("# \(recipe.title)\n\n\(result.table)\n\n\(result.note)\n", to: out + "/table.md")
        print("\n\(result.table)\n\n\(result.note)")
    }
}

extension ExperimentArm: ExpressibleByArgument {}
