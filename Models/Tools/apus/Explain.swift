import Apus
import ApusInspection
import ArgumentParser
import MSMAE
import ToolOptions

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Tell what the compiler made of a step, where its time and memory go, and how close it comes to the machine's peak.",
        discussion: """
            Compiles the step, runs it a few times on random images (a graph from a file on random numbers, integers 0), and prints \
            which rewrites took place where, the kernels with their share of the time and of the machine's peak, and what lies in \
            memory when.
            """)

    @Argument(help: "The graph: \(GraphArgument.list).")
    var graph: GraphArgument

    @OptionGroup var model: ModelOptions
    @OptionGroup var dimensions: DimensionOptions

    @Option(help: "YAML file with the settings of a pre-training run, which describe the model in place of --preset.")
    var config: String?

    @OptionGroup var machine: MachineOptions
    @OptionGroup var trace: TraceOptions

    func validate() throws {
        try model.check(graph)
        guard model.preset == nil || config == nil else {
            throw ValidationError("--preset and --config both describe the model: choose one of them.")
        }
        if case .file(let path) = graph, config != nil {
            throw ValidationError("--config is for graphs that ship with Apus; \(path) says all of it itself.")
        }
    }

    func run() throws {
        try trace.check()
        let explanation: ProgramExplanation
        switch graph {
        case .file(let path):
            explanation = try ProgramExplanation(NamedGraph(contentsOf: path, dimensions).graph, by: machine.compiler())
        case .shipped(let shipped):
            var settings = PreTrainingSettings()
            settings.preset = model.preset ?? "demo"
            if let config { settings = try SettingsFile.settings(config) }
            explanation = try ProgramExplanation(
                shipped.step, of: settings.configuration(classes: model.classes ?? 4), batch: model.batch ?? 8,
                options: machine.options, threads: machine.workers.threads, pinned: machine.workers.pinned)
        }
        print(explanation.text)
        try trace.write(explanation.trace)
    }
}
