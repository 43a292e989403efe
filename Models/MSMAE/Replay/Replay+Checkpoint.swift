import Apus
import Foundation

/// What a recording of a checkpoint says of itself.
private struct CheckpointDescription: Decodable {
    let epoch: Int
}

extension Replay {
    /// A checkpoint of PyTorch beside its recorded tensors: `NAME.pth` and `NAME.tensors.safetensors`, equal bit for
    /// bit.
    static func checkpoint(_ recording: Recording) throws(ReplayError) -> [Comparison] {
        var recording = recording
        let description = try recording.description(CheckpointDescription.self)
        let checkpoint: TorchCheckpoint
        do {
            checkpoint = try TorchCheckpoint(
                contentsOf: checkpointPath(beside: recording.path), groupings: .visionTransformer)
        } catch {
            throw ReplayError(.unreadable, path: recording.path, "its checkpoint cannot be read: \(error)")
        }
        let epoch = checkpoint.values["epoch"].flatMap { Int($0) }
        var comparisons = [
            Comparison(quantity: "epoch", error: epoch == description.epoch ? 0 : .infinity, tolerance: 0)
        ]
        let names = Set(checkpoint.names).union(recording.remaining).sorted()
        for name in names {
            comparisons.append(
                Comparison(quantity: name, error: try differingBytes(name, checkpoint, &recording), tolerance: 0))
        }
        return comparisons
    }

    /// How many bytes of a tensor differ; infinite if it is missing on one side, or of another type or shape.
    private static func differingBytes(
        _ name: String, _ checkpoint: TorchCheckpoint, _ recording: inout Recording
    ) throws(ReplayError) -> Double {
        guard checkpoint.contains(name), recording.contains(name) else { return .infinity }
        let recorded = try recording.anyTensor(name)
        do {
            guard try checkpoint.elementType(name) == recorded.elementType, try checkpoint.shape(name) == recorded.shape
            else { return .infinity }
            return Double(zip(try checkpoint.bytes(name), recorded.bytes).count { $0 != $1 })
        } catch {
            throw ReplayError(.unreadable, path: recording.path, "its checkpoint cannot be read: \(error)")
        }
    }

    /// Where the checkpoint of a recording is.
    private static func checkpointPath(beside path: String) -> String {
        stem(path, [".tensors.safetensors", ".safetensors"]) + ".pth"
    }

    /// The recording that a path means: itself, or the tensors that were recorded beside a checkpoint of PyTorch.
    static func recordingPath(_ path: String) -> String {
        path.hasSuffix(".pth") ? stem(path, [".pth"]) + ".tensors.safetensors" : path
    }

    private static func stem(_ path: String, _ endings: [String]) -> String {
        endings.first { path.hasSuffix($0) }.map { String(path.dropLast($0.count)) } ?? path
    }
}
