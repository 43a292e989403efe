import Apus
import ApusInspection
import ApusInterchange
import ArgumentParser

/// A graph in a file: in the text form, or as ONNX with its weights.
struct NamedGraph {
    /// The ending of an ONNX file's name.
    static let suffix = ".onnx"

    let graph: Graph
    /// Numbers that the file has for parameters.
    private let weights: [String: OnnxWeight]

    /// Reads a file of either kind; `dimensions` are for what an ONNX file leaves open.
    init(contentsOf path: String, _ dimensions: DimensionOptions) throws {
        guard path.hasSuffix(Self.suffix) else {
            try dimensions.check(path)
            graph = try GraphFile(contentsOf: path).graph
            weights = [:]
            return
        }
        let model = try OnnxModel(contentsOf: path).imported(dimensions: dimensions.extents)
        (graph, weights) = (model.graph, model.weights)
    }

    /// The numbers of parameters by name.
    var parameters: [String: TensorData] { weights.mapValues { TensorData($0.hostTensor) } }
}

/// Extents of dimensions that an ONNX file leaves open.
struct DimensionOptions: ParsableArguments {
    struct Dimension: ExpressibleByArgument {
        let name: String, extent: Int

        init?(argument: String) {
            guard let place = argument.lastIndex(of: "="), place > argument.startIndex,
                let extent = Int(argument[argument.index(after: place)...]), extent > 0
            else { return nil }
            (name, self.extent) = (String(argument[..<place]), extent)
        }
    }

    @Option(
        name: .customLong("dim"),
        help: ArgumentHelp(
            "Extent of a dimension that FILE.onnx leaves open, such as batch=1. May be given more than once.",
            valueName: "name=extent"))
    var dimensions: [Dimension] = []

    func validate() throws {
        let names = dimensions.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("--dim \(twice) is given twice.")
        }
    }

    var extents: [String: Int] { Dictionary(uniqueKeysWithValues: dimensions.map { ($0.name, $0.extent) }) }

    /// Throws if an extent was given together with a file in which all of them stand.
    func check(_ path: String) throws {
        if let first = dimensions.first {
            throw ValidationError("--dim \(first.name) is for ONNX files; \(path) says all of it itself.")
        }
    }
}
