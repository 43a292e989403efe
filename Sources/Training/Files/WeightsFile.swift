import ApusFiles
import ApusIR
import Foundation

/// Weights by name from whatever file holds them: a checkpoint of PyTorch, or a safetensors file, be it a run's
/// checkpoint or plain weights.
public struct WeightsFile: Sendable {
    private enum Contents: Sendable {
        case torch(TorchCheckpoint)
        case safetensors(SafetensorsFile)
    }

    /// The path that the file was read from.
    public let path: String
    /// The names of all weights, without ``prefix``: of a state dict in its order, of a safetensors file sorted. What a
    /// run keeps beside its weights is not among them, since its name has one of the prefixes `optimizer.`, `ema.` and
    /// `random.`.
    public let names: [String]
    /// What the names of the weights begin with in the file, such as `module.`.
    public let prefix: String

    private let contents: Contents
    /// What the file calls a weight, where that is something else.
    private let sources: [String: String]

    /// Opens and checks a file, whose kind its first bytes tell. Throws ``TorchCheckpointError`` or
    /// ``SafetensorsError``. `groupings` are the ways in which PyTorch's optimizer can have numbered the weights.
    public init(
        contentsOf path: String, groupings: WeightGroupings = .single, selection: WeightsSelection = WeightsSelection()
    ) throws {
        self.path = path
        let isTorch: Bool
        do {
            isTorch = try MappedFile(contentsOf: path).withBytes { TorchCheckpoint.isLikely($0) }
        } catch {
            throw SafetensorsError(code: .unreadable, path: path, message: error.problem, cause: error)
        }
        if isTorch {
            let file = try TorchCheckpoint(contentsOf: path, groupings: groupings, selection: selection)
            (contents, names, prefix, sources) = (.torch(file), file.names, file.prefix, [:])
            return
        }
        let file = try SafetensorsFile(contentsOf: path)
        guard selection.key == nil else {
            throw SafetensorsError(
                code: .ambiguous, path: path,
                message: "--weights-key chooses an entry of a file of PyTorch, and a safetensors file has none")
        }
        do throws(WeightsNames.Ambiguity) {
            let weights = try WeightsNames(
                file.names.filter { name in
                    !Parameter.prefixesOfRuns.contains { name.hasPrefix($0) && selection.prefix != $0 }
                },
                selection)
            (contents, names, prefix) = (.safetensors(file), weights.all.map(\.name), weights.prefix)
            sources = prefix.isEmpty ? [:] : Dictionary(uniqueKeysWithValues: weights.all.map { ($0.name, $0.source) })
        } catch {
            throw SafetensorsError(code: .ambiguous, path: path, message: error.message)
        }
    }

    /// The checkpoint of PyTorch that the file is, for what it holds beside the weights.
    public var torchCheckpoint: TorchCheckpoint? { if case .torch(let file) = contents { file } else { nil } }
    /// The safetensors file that the file is, for its metadata.
    public var safetensorsFile: SafetensorsFile? { if case .safetensors(let file) = contents { file } else { nil } }

    /// What an optimizer has kept about the weights.
    public struct OptimizerState: Hashable, Sendable {
        /// Names of the tensors, such as `optimizer.exp_avg.NAME`, which are read like the weights.
        public let names: [String]
        /// How often the weights have been updated, where that is known.
        public let step: Int?
    }

    /// The optimizer's state, or nil if the file has none. Throws ``TorchCheckpointError`` if it cannot be assigned to
    /// the weights for certain.
    public func optimizer() throws -> OptimizerState? {
        switch contents {
        case .torch(let file):
            return try file.optimizer().flatMap {
                $0.names.isEmpty ? nil : OptimizerState(names: $0.names, step: $0.step)
            }
        case .safetensors(let file):
            let names = file.names.filter { $0.hasPrefix("optimizer.") }
            return names.isEmpty ? nil : OptimizerState(names: names, step: file.metadata["step"].flatMap { Int($0) })
        }
    }

    /// Whether the file holds a tensor of this name, also one that is no weight.
    public func contains(_ name: String) -> Bool {
        switch contents {
        case .torch(let file): file.contains(name)
        case .safetensors(let file): file.contains(source(name))
        }
    }

    /// The tensor's shape. Throws for a name that the file does not have.
    public func shape(_ name: String) throws -> [Int] {
        switch contents {
        case .torch(let file): try file.shape(name)
        case .safetensors(let file): try file.shape(source(name))
        }
    }

    /// The type of the tensor's elements. Throws for a name that the file does not have.
    public func elementType(_ name: String) throws -> SafetensorsElementType {
        switch contents {
        case .torch(let file): try file.elementType(name)
        case .safetensors(let file): try file.elementType(source(name))
        }
    }

    /// The numbers of a tensor in f32, f64, f16 or bf16, f64 rounded to the nearest. Throws for other types and names,
    /// and if the file is damaged.
    public func floats(_ name: String) throws -> [Float] {
        switch contents {
        case .torch(let file): try file.floats(name)
        case .safetensors(let file): try file.floats(source(name))
        }
    }

    /// The elements in the order of the shape, little-endian. Throws for a name that the file does not have, and if the
    /// file is damaged.
    public func bytes(_ name: String) throws -> [UInt8] {
        switch contents {
        case .torch(let file): try file.bytes(name)
        case .safetensors(let file): try file.bytes(source(name))
        }
    }

    private func source(_ name: String) -> String { sources[name] ?? name }
}

/// What a file of weights is, in words.
extension WeightsFile {
    /// What was taken of it, such as "took 152 tensors under 'state_dict', prefix 'module.'"; nil if it holds nothing
    /// but weights under their own names.
    public var choice: String? {
        let key = torchCheckpoint?.key ?? "", others = torchCheckpoint?.otherKeys ?? []
        guard !key.isEmpty || !prefix.isEmpty || !others.isEmpty else { return nil }
        let shown = others.prefix(3).map { $0.isEmpty ? "no key" : "'\(TorchCheckpointError.shown($0))'" }
        return "took \(WeightsNames.count(names.count))"
            + (key.isEmpty ? "" : " under '\(TorchCheckpointError.shown(key))'")
            + (prefix.isEmpty ? "" : "\(key.isEmpty ? " with" : ",") prefix '\(TorchCheckpointError.shown(prefix))'")
            + (others.isEmpty
                ? ""
                : "; there are others under \(shown.joined(separator: ", "))\(others.count > 3 ? ", …" : ""), which "
                    + "--weights-key chooses")
    }

    /// What it has, for a message that something is missing in it.
    public var overview: String { "the file has \(WeightsNames.overview(names))" + (partNote.map { "; \($0)" } ?? "") }

    /// That it is one of several files, if its name says so.
    public var partNote: String? {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let match = name.firstMatch(of: /-0*(\d{1,6})-of-0*(\d{1,6})\./), match.2 != "1" else { return nil }
        return "it is part \(match.1) of \(match.2) of a checkpoint, and all parts have to be in one file; in Python: "
            + "save_file({k: v for f in PARTS for k, v in load_file(f).items()}, FILE)"
    }

    /// Tensors that are in the file and are not read, and other things that were passed over.
    public var skipped: [String] {
        switch contents {
        case .torch(let file): file.skipped.map(\.description)
        case .safetensors(let file):
            file.unknownTypes.sorted { $0.key < $1.key }.map { name, type in
                "\(TorchCheckpointError.shown(name)): a tensor of \(TorchCheckpointError.shown(type)) is not read"
            }
        }
    }
}
