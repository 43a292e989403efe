import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Tell what the compiler made of a step, where its time and memory go, and how close it comes to the machine's peak.",
        discussion: """
            Compiles the step, runs it a few times on random images, and prints which rewrites took place where, the kernels with \
            their share of the time and of the machine's peak, and what lies in memory when.
            """)

    @Argument(help: "The graph: \(ShippedModel.list).")
    var model: ShippedModel

    @Option(help: "Size of the model: \(PresetOptions.list). (default: demo)", completion: .list(PresetOptions.names))
    var preset: String?

    @Option(help: "YAML file with the settings of a pre-training run, which describe the model in place of --preset.")
    var config: String?

    @Option(help: "Images in a batch.")
    var batch = 8

    @Option(help: "Classes of the labels.")
    var classes = 4

    @OptionGroup var machine: MachineOptions
    @OptionGroup var trace: TraceOptions

    func validate() throws {
        guard preset == nil || config == nil else {
            throw ValidationError("--preset and --config both describe the model: choose one of them.")
        }
        if let preset { try PresetOptions.check(preset) }
        guard (1...4096).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
        guard (1...65536).contains(classes) else {
            throw ValidationError("--classes is \(classes); it must be from 1 to 65536.")
        }
    }

    func run() throws {
        try trace.check()
        var settings = PreTrainingSettings()
        settings.preset = preset ?? "demo"
        if let config { settings = try SettingsFile.settings(config) }
        let explanation = try StepExplanation(
            model.step, of: settings.configuration(classes: classes), batch: batch, options: machine.options,
            threads: machine.threads)
        print(explanation.text)
        try trace.write(explanation.trace)
    }
}
