import Apus
import Foundation
import MSMAE

/// A folder of its own for one test; it goes when the test's last reference to it goes.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("msmae-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// 32 small images in two classes, and runs on them that take a second beside compiling.
final class SmallSet: Sendable {
    static let shared = Result { try SmallSet() }

    private let folder: ScratchFolder
    let path: String

    private init() throws {
        folder = try ScratchFolder()
        path = folder.file("data")
        try PhantomDataSet.write(to: path, classes: 2, train: 32, validation: 2, size: 40, seed: 3)
    }

    /// Four steps an epoch; attention masks from epoch 1 on, with new maps before every epoch.
    var settings: [String: SettingValue] {
        [
            "data": .text(path), "preset": .text("demo"), "image-size": .integer(32), "epochs": .integer(3),
            "batch": .integer(8),
            "attention-start": .integer(1), "attention-interval": .integer(1), "warmup-epochs": .number(1),
            "blr": .number(0.03),
            "threads": .integer(2), "log-every": .integer(2),
        ]
    }

    func settings(_ changes: [String: SettingValue]) -> [String: SettingValue] { settings.merging(changes) { $1 } }
}

/// 16 small images with masks, and segmentations of them that take a second beside compiling.
final class SmallMaskedSet: Sendable {
    static let shared = Result { try SmallMaskedSet() }

    private let folder: ScratchFolder
    let path: String

    private init() throws {
        folder = try ScratchFolder()
        path = folder.file("data")
        try PhantomDataSet.write(to: path, layout: .masks, classes: 2, train: 16, validation: 3, size: 40, seed: 4)
    }

    /// Four steps an epoch.
    func settings(_ changes: [String: SettingValue] = [:]) -> [String: SettingValue] {
        let settings: [String: SettingValue] = [
            "data": .text(path), "preset": .text("demo"), "image-size": .integer(32), "head-width": .integer(8),
            "epochs": .integer(3),
            "batch": .integer(4), "lr": .number(1e-3), "threads": .integer(2), "log-every": .integer(2),
        ]
        return settings.merging(changes) { $1 }
    }
}

/// The weights, the optimizer's state and the maps at the end of a run.
struct RunResult: Equatable {
    var tensors: [String: [UInt8]]
    var metadata: [String: String]

    /// Reads the newest checkpoint of a run, or a file.
    init(_ path: String) throws {
        let latest = path.hasSuffix(".safetensors") ? nil : try RunFolder(opening: path).latestCheckpoint()
        let file = try SafetensorsFile(contentsOf: latest?.path ?? path)
        tensors = try Dictionary(uniqueKeysWithValues: file.names.map { ($0, try file.bytes($0)) })
        metadata = file.metadata
        metadata["settings"] = nil
    }
}

/// The lines of a run's log.
func logLines(_ run: String) throws -> [[String: Any]] {
    try String(contentsOfFile: run + "/log.jsonl", encoding: .utf8).split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
}

extension SmallSet {
    /// Four steps an epoch, with new maps before every second one.
    func fineTuning(_ changes: [String: SettingValue] = [:]) -> [String: SettingValue] {
        let settings: [String: SettingValue] = [
            "data": .text(path), "preset": .text("demo"), "image-size": .integer(32), "epochs": .integer(3),
            "batch": .integer(8),
            "attention-interval": .integer(2), "warmup-epochs": .number(1), "blr": .number(0.03),
            "threads": .integer(2), "log-every": .integer(2),
        ]
        return settings.merging(changes) { $1 }
    }
}

/// Starts a run of any kind and trains, at most up to a step.
@discardableResult
func start<Task: ConfiguredTask>(
    _: Task.Type, _ out: String, _ settings: [String: SettingValue], until last: Int = .max
) throws -> TrainingOutcome {
    try Trainer<Task>(RunPlan(startingIn: out, given: settings), output: .silent) { $0 >= last }.run()
}

/// Goes on with a run of any kind, at most up to a step.
@discardableResult
func goOn<Task: ConfiguredTask>(
    _: Task.Type, _ run: String, out: String? = nil, _ settings: [String: SettingValue] = [:], until last: Int = .max
) throws -> TrainingOutcome {
    try Trainer<Task>(RunPlan(resuming: run, out: out, given: settings), output: .silent) { $0 >= last }.run()
}

/// Starts a run of pre-training and trains, at most up to a step.
@discardableResult
func train(_ out: String, _ settings: [String: SettingValue], until last: Int = .max) throws -> PreTrainer.Outcome {
    try start(PreTrainingTask.self, out, settings, until: last)
}

/// Goes on with a run of pre-training, at most up to a step.
@discardableResult
func resume(_ run: String, out: String? = nil, _ settings: [String: SettingValue] = [:], until last: Int = .max) throws
    -> PreTrainer.Outcome
{
    try goOn(PreTrainingTask.self, run, out: out, settings, until: last)
}
