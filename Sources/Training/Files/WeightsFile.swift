import ApusFiles
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
    /// The names of all weights: of a state dict in its order, of a safetensors file sorted. What a run keeps beside
    /// its weights is not among them, since its name has one of the prefixes `optimizer.` and `ema.`.
    public let names: [String]

    private let contents: Contents

    /// Opens and checks a file, whose kind its first bytes tell. Throws ``TorchCheckpointError`` or
    /// ``SafetensorsError``. `groupings` are the ways in which PyTorch's optimizer can have numbered the weights.
    public init(contentsOf path: String, groupings: WeightGroupings = .single) throws {
        self.path = path
        let isTorch: Bool
        do {
            isTorch = try MappedFile(contentsOf: path).withBytes { TorchCheckpoint.isLikely($0) }
        } catch {
            throw SafetensorsError(code: .unreadable, path: path, message: error.problem, cause: error)
        }
        contents =
            isTorch
            ? .torch(try TorchCheckpoint(contentsOf: path, groupings: groupings))
            : .safetensors(try SafetensorsFile(contentsOf: path))
        switch contents {
        case .torch(let file): names = file.names
        case .safetensors(let file):
            names = file.names.filter { name in !["optimizer.", "ema."].contains { name.hasPrefix($0) } }
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
        case .safetensors(let file): file.contains(name)
        }
    }

    /// The tensor's shape. Throws for a name that the file does not have.
    public func shape(_ name: String) throws -> [Int] {
        switch contents {
        case .torch(let file): try file.shape(name)
        case .safetensors(let file): try file.shape(name)
        }
    }

    /// The type of the tensor's elements. Throws for a name that the file does not have.
    public func elementType(_ name: String) throws -> SafetensorsElementType {
        switch contents {
        case .torch(let file): try file.elementType(name)
        case .safetensors(let file): try file.elementType(name)
        }
    }

    /// The numbers of a tensor in f32, f64, f16 or bf16, f64 rounded to the nearest. Throws for other types and names,
    /// and if the file is damaged.
    public func floats(_ name: String) throws -> [Float] {
        switch contents {
        case .torch(let file): try file.floats(name)
        case .safetensors(let file): try file.floats(name)
        }
    }

    /// The elements in the order of the shape, little-endian. Throws for a name that the file does not have, and if the
    /// file is damaged.
    public func bytes(_ name: String) throws -> [UInt8] {
        switch contents {
        case .torch(let file): try file.bytes(name)
        case .safetensors(let file): try file.bytes(name)
        }
    }
}
