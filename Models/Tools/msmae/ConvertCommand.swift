import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Writes the weights of a checkpoint as a safetensors file with the names of the state dict.",
        discussion: """
            Reads files that torch.save has written (.pth), without executing anything in them, and checkpoints of this program. \
            In Python: model.load_state_dict(safetensors.torch.load_file(OUT)).
            """)

    @Argument(
        help: "A .pth file, a checkpoint of a run, or a safetensors file.",
        completion: .file(extensions: ["pth", "pt", "safetensors"]))
    var input: String
    @Argument(help: "The safetensors file to write.", completion: .file(extensions: ["safetensors"]))
    var output: String
    @Flag(help: "Keep half and double precision; otherwise all numbers become float32.") var keepPrecision = false
    @Flag(help: "Write the optimizer's state too, as optimizer.exp_avg.NAME and the like.") var optimizer = false
    @Flag(help: "Take the averages of the weights that a run has kept in place of the weights.") var ema = false

    @OptionGroup var selection: WeightsSelectionOptions

    func run() throws {
        var conversion = WeightsConversion()
        (conversion.keepsPrecision, conversion.includesOptimizer, conversion.takesAverages) = (
            keepPrecision, optimizer, ema
        )
        (conversion.key, conversion.prefix) = (selection.weightsKey, selection.weightsPrefix)
        Interrupt.install()
        let report = try conversion.convert(input, to: output) { Interrupt.requested }
        if let choice = report.choice { print("\(input): \(choice)") }
        for skip in report.skipped { print("skipped: \(skip)") }
        var parts = ["\(report.weights) tensors (\(report.numbers) numbers)"]
        if optimizer {
            parts.append(
                "\(report.optimizerTensors) tensors of the optimizer's state\(report.step.map { " after step \($0)" } ?? "")"
            )
        }
        print("\(output): \(parts.joined(separator: ", "))")
    }
}
