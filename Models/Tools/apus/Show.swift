import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a shipped graph at a stage of its compilation.")

    enum Stage: String, CaseIterable, ExpressibleByArgument {
        /// The forward pass as it was declared.
        case traced
        /// The forward pass after the fusions.
        case fused
        /// The same with gradients and updates.
        case differentiated
        /// Primitives, as they are scheduled.
        case optimized
        /// The schedule, and the loops of its kernels.
        case kernels
        /// LLVM's intermediate code of the kernels.
        case llvm
        /// Assembly of the kernels for this machine.
        case asm
    }

    @Argument(help: "The graph: \(ShippedModel.list).")
    var model: ShippedModel?

    @Option(help: "What to print.")
    var stage = Stage.optimized

    @Option(help: "Size of the model: \(PresetOptions.list).", completion: .list(PresetOptions.names))
    var preset = "demo"

    @Option(help: "Images in a batch.")
    var batch = 8

    @Option(help: "Classes of the labels.")
    var classes = 4

    @OptionGroup var machine: MachineOptions

    @Flag(help: "List the shipped graphs, presets and stages.")
    var list = false

    func validate() throws {
        guard !list else { return }
        guard model != nil else { throw ValidationError("Name a graph: \(ShippedModel.list).") }
        try PresetOptions.check(preset)
        guard (1...4096).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
        guard (1...65536).contains(classes) else {
            throw ValidationError("--classes is \(classes); it must be from 1 to 65536.")
        }
    }

    func run() throws {
        if list {
            print("graphs:  \(ShippedModel.list)")
            print("presets: \(PresetOptions.list)")
            print("stages:  \(Stage.allCases.map(\.rawValue).joined(separator: ", "))")
            return
        }
        print(try text(), terminator: "")
    }

    private func text() throws -> String {
        guard let model, var configuration = Configuration.preset(preset) else { return "" }
        configuration.classes = classes
        let declaration = model.step.declaration(of: try MaskedAutoencoder(configuration), batch: batch),
            options = machine.options
        func whole() throws -> Graph { try declaration.wholeGraph(options.fusions) }
        switch stage {
        case .traced: return try declaration.forward().text(locations: true)
        case .fused: return try declaration.forward(options.fusions).text(locations: true)
        case .differentiated:
            guard case .training = declaration else {
                throw ValidationError("\(model.name) is not trained: it has no stage 'differentiated'.")
            }
            return try whole().text(locations: true)
        case .optimized: return try GraphCompiler(options).lowered(whole()).text(locations: true)
        case .kernels: return try GraphCompiler(options).kernels(whole())
        case .llvm: return try GraphCompiler(options).llvm(whole())
        case .asm: return try GraphCompiler(options).assembly(whole())
        }
    }
}
