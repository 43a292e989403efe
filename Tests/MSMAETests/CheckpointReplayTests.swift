import Apus
import Foundation
import MSMAE
import Testing

/// The recording of a checkpoint of PyTorch: equal bit for bit, or it fails.
@Suite struct CheckpointReplayTests {
    private static let checkpoint = Recordings.path("checkpoint").replacingOccurrences(of: ".safetensors", with: ".pth")

    /// Replays a copy of the recording with an altered copy of the checkpoint beside it.
    private func report(
        _ alter: (inout Recordings.Contents) throws -> Void = { _ in },
        checkpoint alterCheckpoint: (inout Data) -> Void = { _ in }
    ) throws -> ReplayReport {
        try Recordings.withAltered("checkpoint.tensors", alter) { path in
            let checkpoint = path.replacingOccurrences(of: ".safetensors", with: ".pth")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: Self.checkpoint))
            alterCheckpoint(&bytes)
            try bytes.write(to: URL(fileURLWithPath: checkpoint))
            defer { try? FileManager.default.removeItem(atPath: checkpoint) }
            return try Replay.run(path, Compiler(threads: 1))
        }
    }

    private func failures(_ report: ReplayReport) -> [String] {
        report.comparisons.filter { !$0.passes }.map(\.quantity)
    }

    @Test func everyTensorIsComparedAndTheEpoch() throws {
        let report = try report()
        #expect(report.passes, "\(report.table)")
        #expect(report.comparisons.count == 53)
        // The checkpoint stands for its recording.
        #expect(try Replay.run(Self.checkpoint, Compiler(threads: 1)).comparisons == report.comparisons)
    }

    @Test func oneBitFails() throws {
        #expect(
            try failures(report { $0.tensors["blocks.1.attn.qkv.weight"]?.bytes[17] ^= 1 }) == [
                "blocks.1.attn.qkv.weight"
            ])
        // The sign of a zero, which comparing numbers would not see.
        #expect(try failures(report { $0.tensors["blocks.0.norm1.bias"]?.bytes[3] ^= 0x80 }) == ["blocks.0.norm1.bias"])
    }

    @Test func otherShapesTypesAndNamesFail() throws {
        #expect(try failures(report { $0.tensors["head.weight"]?.shape = [24, 4] }) == ["head.weight"])
        #expect(try failures(report { $0.tensors["head.weight"]?.type = .i32 }) == ["head.weight"])
        #expect(try failures(report { $0.tensors["head.weight"] = nil }) == ["head.weight"])
        #expect(try failures(report { $0.tensors["head.other"] = $0.tensors["head.weight"] }) == ["head.other"])
        #expect(try failures(report { $0.description.replace("7", with: "8") }) == ["epoch"])
    }

    @Test func damagedAndMissingCheckpointsAreErrors() throws {
        // In the elements of cls_token.
        #expect(throws: ReplayError.self) { try report(checkpoint: { $0[20_230] ^= 1 }) }
        #expect(throws: ReplayError.self) { try report(checkpoint: { $0 = $0.prefix(1000) }) }
        let error = #expect(throws: ReplayError.self) {
            try Recordings.withAltered("checkpoint.tensors", { _ in }) { try Replay.run($0, Compiler(threads: 1)) }
        }
        #expect(error?.code == .unreadable)
    }
}
