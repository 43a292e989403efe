import ArgumentParser
import MSMAE
import ToolOptions

struct RecipesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes", abstract: "Lists the recipes of published experiments, or prints one as YAML.",
        discussion: """
            A recipe says where the data comes from, how it is laid out and split, what was published, and the settings of each run. Give its \
            name, or the path of a YAML file of your own, to --recipe of the commands that train. Docs/Experiments describes each set.
            """)

    @Argument(help: "The recipe to print.") var recipe: String?
    @Option(help: ArgumentHelp("A value in place of the recipe's, such as finetune.epochs=3.", valueName: "name=value"))
    var set: [String] = []

    func validate() throws {
        if recipe == nil, !set.isEmpty { throw ValidationError("--set changes a recipe; give its name") }
    }

    func run() throws {
        if let recipe {
            print(try RecipeFile.text(of: RecipeFile.read(recipe, replacing: set)), terminator: "")
            return
        }
        for name in RecipeFile.names {
            let recipe = try RecipeFile.read(name)
            print("\(recipe.name): \(recipe.title)")
            let metrics = recipe.published.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value) %" }
            let runs = RunKind.allCases.filter { recipe.sections[$0] != nil }.map(\.rawValue)
            print(
                "  \(recipe.classes.count) \(recipe.classes.count == 1 ? "class" : "classes"): \(recipe.classes.joined(separator: ", "))"
            )
            print(
                "  split \(recipe.split)" + (recipe.window.map { ", window \($0)" } ?? "")
                    + (recipe.patients == nil ? "" : ", patients together"))
            print("  runs: \(runs.joined(separator: ", ")); published: \(metrics.joined(separator: ", "))")
        }
    }
}
