import Apus
import ApusTestSupport
import Foundation
import MSMAE
import Testing

/// Training checkpoints as PyTorch writes them, with the state of the optimizer.
@Suite(.serialized) struct PublicCheckpointTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    /// With the optimizer's means and its count of steps, weights come out the same, bit for bit, as when the run had
    /// gone on by itself.
    @Test func trainingGoesOnWithTheOptimizersState() throws {
        let whole = folder.file("whole"), run = folder.file("run"), torch = folder.file("checkpoint.pth")
        let settings = set.settings(["attention-start": .integer(9), "keep": .integer(9), "threads": .integer(2)])
        try train(whole, settings)
        let first = try RunFolder(opening: whole).checkpoints()[0]
        #expect(first.step == 4)
        try Data(torchFile(of: SafetensorsFile(contentsOf: first.path), epoch: 0, step: 4).bytes).write(
            to: URL(fileURLWithPath: torch))

        #expect(try resume(torch, out: run, settings, until: 5) == .stopped)
        try FileManager.default.removeItem(atPath: torch)
        #expect(try resume(run) == .finished)
        #expect(try RunResult(run) == RunResult(whole))
        #expect(
            try logLines(run).compactMap { $0["event"] as? String == "epoch" ? $0["epoch"] as? Int : nil } == [1, 2])
    }

    @Test func weightsAloneAreNothingToGoOnWith() throws {
        let torch = folder.file("weights.pth")
        let value = Pickled.dictionary([("cls_token", Pickled.tensor("0", count: 1, shape: [1], strides: [1]))])
        try Data(ZipBytes(checkpoint: value, storages: [("0", littleEndian([1]))]).bytes).write(
            to: URL(fileURLWithPath: torch))
        let error = #expect(throws: RunError.self) { try resume(torch, out: folder.file("run"), set.settings) }
        #expect(
            error?.description
                == "\(torch): not a checkpoint that can be used: it has no epoch or no state of an optimizer to go on with; "
                + "begin a new run with its weights by --init")
    }

    /// The tensors of a run's checkpoint in a checkpoint of PyTorch.
    private func torchFile(of file: SafetensorsFile, epoch: Int, step: Int) throws -> ZipBytes {
        var storages: [(String, [UInt8])] = []
        func tensor(_ name: String) throws -> [UInt8] {
            let shape = try file.shape(name), floats = try file.floats(name)
            let strides = shape.indices.map { axis in shape[(axis + 1)...].reduce(1, *) }
            storages.append((String(storages.count), littleEndian(floats)))
            return Pickled.tensor(String(storages.count - 1), count: floats.count, shape: shape, strides: strides)
        }
        let weights = file.names.filter { !$0.hasPrefix("optimizer.") && $0 != "attention_maps" }
        let trained = weights.filter { file.contains("optimizer.exp_avg.\($0)") }
        let state = try trained.enumerated().map { index, name in
            (
                Pickled.integer(index),
                Pickled.dictionary([
                    ("step", Pickled.number(Double(step))), ("exp_avg", try tensor("optimizer.exp_avg.\(name)")),
                    ("exp_avg_sq", try tensor("optimizer.exp_avg_sq.\(name)")),
                ])
            )
        }
        let group = Pickled.dictionary([
            ("params", Pickled.list(trained.indices.map(Pickled.integer))),
            ("param_names", Pickled.list(trained.map(Pickled.text))),
        ])
        let model = Pickled.dictionary(try weights.map { ($0, try tensor($0)) })
        let optimizer = Pickled.dictionary([
            ("state", Pickled.dictionary(state)), ("param_groups", Pickled.list([group])),
        ])
        let value = Pickled.dictionary([("model", model), ("optimizer", optimizer), ("epoch", Pickled.integer(epoch))])
        return ZipBytes(checkpoint: value, storages: storages)
    }
}
