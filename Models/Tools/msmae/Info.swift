import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a model's layers, weights, cost and memory.")

    @OptionGroup var model: PresetOptions
    @OptionGroup var machine: MachineOptions

    @Option(help: "Images in a batch.")
    var batch = 16

    @Option(help: "Classes of the labels.")
    var classes = 4

    func validate() throws {
        guard (1...4096).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
        guard (1...65536).contains(classes) else {
            throw ValidationError("--classes is \(classes); it must be from 1 to 65536.")
        }
    }

    func run() throws {
        var configuration = try model.configuration()
        configuration.classes = classes
        print(try ModelSummary(configuration, batch: batch, machine.compiler()).text)
    }
}
