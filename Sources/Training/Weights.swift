import ApusIR
import ApusLayers
import ApusRuntime

/// What a file of weights and a model had in common.
public struct WeightsReport: Hashable, Sendable, CustomStringConvertible {
    /// A weight that the file has in another shape or type.
    public struct Misfit: Hashable, Sendable {
        /// The name of the weight.
        public let name: String
        /// What the file has, and what the model declares, such as `F32[3,2]`.
        public let found: String, wanted: String
    }

    /// Weights that were taken.
    public var loaded: [String] = []
    /// Weights of the model that the file has not got.
    public var missing: [String] = []
    /// Tensors of the file that the model has no weight for.
    public var unused: [String] = []
    /// Weights that the file has in another shape.
    public var misfits: [Misfit] = []

    /// Whether every weight was taken, and nothing is left over.
    public var isComplete: Bool { missing.isEmpty && unused.isEmpty && misfits.isEmpty }

    /// What was not taken, a line for each kind.
    public var differences: [String] {
        func line(_ names: [String], _ what: String) -> String? {
            guard !names.isEmpty else { return nil }
            let shown = names.prefix(6).joined(separator: ", ")
            return "\(names.count) \(what): \(shown)\(names.count > 6 ? ", …" : "")"
        }
        let shapes = misfits.map { "\($0.name) (\($0.found) in the file, \($0.wanted) in the model)" }
        return [
            line(missing, "not in the file"), line(shapes, "of another shape"), line(unused, "in the file alone"),
        ].compactMap(\.self)
    }

    /// How many weights were taken, and which were not.
    public var description: String {
        let count = loaded.count + missing.count + misfits.count
        return (["took \(loaded.count) of \(count) weights"] + differences).joined(separator: "\n")
    }
}

/// A file of weights that does not fit a model.
public struct WeightsMismatch: Error, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What did not fit.
    public let report: WeightsReport

    public var description: String {
        "\(path): these are not the weights of this model, and none was loaded (partly: true takes those that fit): "
            + report.differences.joined(separator: "; ")
    }
}

extension ProgramState {
    /// Names of the model's own parameters: without what an optimizer, averages and random draws keep.
    public var weightNames: [String] {
        names.filter { name in !Parameter.prefixesOfRuns.contains { name.hasPrefix($0) } }
    }

    /// How many numbers the weights have; of those whose names match a pattern, as in ``ParameterGroup``.
    public func weightCount(matching pattern: String = "*") -> Int {
        weightNames.filter { ParameterGroup(pattern).includes($0) }.compactMap { type(of: $0)?.count }.reduce(0, +)
    }

    /// Creates or replaces a safetensors file with the weights, under the names that PyTorch's state dict has.
    ///
    /// Throws ``SafetensorsError`` if it cannot be written; an earlier file at the path stays as it is then.
    public func saveWeights(to path: String, metadata: [String: String] = [:]) throws {
        try withTensors(weightNames) { tensors in
            try SafetensorsWriter.write(to: path, metadata: metadata, tensors: tensors)
        }
    }

    /// Overwrites the weights with those of a file: safetensors, or a checkpoint of PyTorch.
    ///
    /// Throws ``WeightsMismatch``, with all differences, if they are not exactly the model's, and nothing is loaded
    /// then; with `partly`, what fits is taken, and the report says what did not. Throws ``SafetensorsError`` or
    /// ``TorchCheckpointError`` if the file cannot be read.
    @discardableResult public func loadWeights(
        from path: String, partly: Bool = false, selection: WeightsSelection = WeightsSelection()
    ) throws -> WeightsReport {
        var selection = selection
        if selection.landmarks.isEmpty { selection.landmarks = weightNames }
        let file = try WeightsFile(contentsOf: path, selection: selection), inFile = Set(file.names)
        var report = WeightsReport(), found: [(name: String, data: TensorData)] = []
        for name in weightNames {
            guard let type = type(of: name) else { continue }
            guard inFile.contains(name) else {
                report.missing.append(name)
                continue
            }
            let element = try file.elementType(name), shape = try file.shape(name)
            guard shape == type.shape else {
                report.misfits.append(
                    WeightsReport.Misfit(name: name, found: "\(element.rawValue)\(shapeText(shape))", wanted: "\(type)")
                )
                continue
            }
            let data = try TensorData(element, shape, file.bytes(name), as: type, what: "\(path): the weight '\(name)'")
            found.append((name, data))
            report.loaded.append(name)
        }
        let own = Set(weightNames)
        report.unused = file.names.filter { !own.contains($0) }
        guard partly || report.isComplete else { throw WeightsMismatch(path: path, report: report) }
        for (name, data) in found { try write(name, data) }
        return report
    }
}
