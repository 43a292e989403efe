import Apus
import ApusInspection
import ArgumentParser
import MSMAE
import ToolOptions

/// A graph on the command line: one that ships with Apus, by its name, or a file with the text form or ONNX.
enum GraphArgument: ExpressibleByArgument {
    case shipped(ShippedModel)
    case file(String)

    static var allValueStrings: [String] { ShippedModel.names + ["FILE.graph", "FILE.onnx"] }
    /// What may be named, for help texts.
    static let list = ShippedModel.list + ", or a file with a graph in the text form or as ONNX"

    init?(argument: String) {
        if let model = ShippedModel(argument: argument) {
            self = .shipped(model)
        } else if argument.contains(".") || argument.contains("/") {
            self = .file(argument)
        } else {
            return nil
        }
    }
}

/// What a shipped graph is made for; a file says all of it itself.
struct ModelOptions: ParsableArguments {
    @Option(help: "Size of the model: \(PresetOptions.list). (default: demo)", completion: .list(PresetOptions.names))
    var preset: String?

    @Option(help: "Images in a batch. (default: 8)")
    var batch: Int?

    @Option(help: "Classes of the labels. (default: 4)")
    var classes: Int?

    func validate() throws {
        if let preset { try PresetOptions.check(preset) }
        if let batch, !(1...4096).contains(batch) {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
        if let classes, !(1...65536).contains(classes) {
            throw ValidationError("--classes is \(classes); it must be from 1 to 65536.")
        }
    }

    /// The model of a shipped graph for these options.
    var configuration: Configuration {
        // Names of presets were checked with the options.
        var configuration = Configuration.preset(preset ?? "demo") ?? Configuration()
        configuration.classes = classes ?? 4
        return configuration
    }

    /// The declaration of a shipped graph for these options.
    func declaration(of shipped: ShippedModel) throws -> NamedStep.Declaration {
        shipped.step.declaration(of: try MaskedAutoencoder(configuration), batch: batch ?? 8)
    }

    /// Throws if one of these options was given together with a file.
    func check(_ graph: GraphArgument?) throws {
        guard case .file(let path) = graph else { return }
        let given = [("--preset", preset != nil), ("--batch", batch != nil), ("--classes", classes != nil)]
        if let (name, _) = given.first(where: \.1) {
            throw ValidationError("\(name) is for graphs that ship with Apus; \(path) says all of it itself.")
        }
    }
}
