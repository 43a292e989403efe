import ApusFiles
import ApusRuntime
import Foundation

/// Which run is to be started or gone on with, in which folder and with which settings.
public struct RunPlan<Settings: RunSettings>: Sendable {
    /// The run's folder; that of a new run need not exist yet.
    public let path: String
    public let settings: Settings
    /// The checkpoint to go on from; nil starts from the beginning.
    let checkpoint: SafetensorsFile?
    /// The checkpoint of another program that a new run goes on from.
    private(set) var imported: (any ImportedCheckpoint)?

    /// Plans a new run in the folder `out`, with the settings given by name and defaults for the others.
    ///
    /// Throws if a run is there already, or if a setting is unknown, out of range or missing.
    public init(startingIn out: String, given: [String: SettingValue]) throws {
        try Self.requireNoRun(at: out)
        self.init(path: out, settings: try Settings().changed(by: given), checkpoint: nil)
    }

    /// Plans to go on with the run in the folder `resumed`, from its newest checkpoint or, without one, from the
    /// beginning.
    ///
    /// With `out`, the run goes on in a copy there. A checkpoint of another program is gone on with as a new run in
    /// `out`; see ``RunSettings/importedCheckpoint(_:given:)``. Throws if the folder does not exist, if
    /// its checkpoint cannot be used, or if a given setting that shapes the result differs from the run's.
    public init(resuming resumed: String, out: String? = nil, given: [String: SettingValue]) throws {
        if let imported = try Settings.importedCheckpoint(resumed, given: given) {
            guard let out else { throw SettingError.missing(name: "--out") }
            try self.init(startingIn: out, given: given)
            self.imported = imported
            return
        }
        var folder = try RunFolder(opening: resumed)
        if let out, !Self.isSameFolder(out, resumed) {
            try Self.requireNoRun(at: out)
            folder = try Self.copy(folder, to: out)
        }
        let checkpoint = try folder.latestCheckpoint().map { latest in try SafetensorsFile(contentsOf: latest.path) }
        let settings =
            if let checkpoint {
                try Self.settings(resumed: RunCheckpoint<Settings>(checkpoint).settings, changedBy: given)
            } else if FileManager.default.fileExists(atPath: folder.configPath) {
                try Self.settings(resumed: Self.savedSettings(folder.configPath), changedBy: given)
            } else {
                // Stopped even before its settings were saved.
                try Settings().changed(by: given)
            }
        self.init(path: folder.path, settings: settings, checkpoint: checkpoint)
    }

    /// Epochs that the checkpoint has behind it.
    public var finishedEpochs: Int { checkpoint.flatMap { try? RunCheckpoint<Settings>($0) }?.position.epoch ?? 0 }

    private init(path: String, settings: Settings, checkpoint: SafetensorsFile?) {
        (self.path, self.settings, self.checkpoint) = (path, settings, checkpoint)
    }

    /// Saves the settings in the run's folder.
    func saveSettings(in folder: RunFolder) throws { try AtomicFile.write(settings.json + "\n", to: folder.configPath) }

    /// The settings of a saved run with those that may change; throws where others differ.
    private static func settings(
        resumed saved: Settings, changedBy given: [String: SettingValue]
    ) throws -> Settings {
        let changed = try saved.changed(by: given)
        let contradictions = Settings.all.filter { $0.shapesTheResult && $0.read(changed) != $0.read(saved) }.map {
            setting in
            RunError.Contradiction(
                name: setting.name, given: setting.read(changed)?.description ?? "not set",
                saved: setting.read(saved)?.description ?? "not set")
        }
        guard contradictions.isEmpty else { throw RunError.contradictions(contradictions) }
        return changed
    }

    private static func savedSettings(_ path: String) throws(RunError) -> Settings {
        do {
            return try Settings(json: String(contentsOfFile: path, encoding: .utf8))
        } catch let error as SettingError {
            throw .brokenSettings(path: path, reason: error.description)
        } catch {
            throw .brokenSettings(path: path, reason: "it is no JSON object of settings")
        }
    }

    private static func requireNoRun(at path: String) throws {
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else { return }
        let folder = try RunFolder(opening: path)
        if try manager.fileExists(atPath: folder.configPath) || !folder.checkpoints().isEmpty {
            throw RunError.runExists(path: path)
        }
    }

    private static func isSameFolder(_ first: String, _ second: String) -> Bool {
        func canonical(_ path: String) -> String {
            URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
        }
        return canonical(first) == canonical(second)
    }

    /// Copies what a run needs to go on elsewhere: its newest and its best checkpoint, its log and its settings.
    private static func copy(_ folder: RunFolder, to path: String) throws -> RunFolder {
        let copy = try RunFolder(creating: path)
        let latest = try folder.latestCheckpoint().map { ($0.path, copy.checkpointPath(step: $0.step)) }
        let files = [
            latest, (folder.bestPath, copy.bestPath), (folder.logPath, copy.logPath),
            (folder.configPath, copy.configPath),
        ].compactMap { $0 }
        for (source, target) in files where FileManager.default.fileExists(atPath: source) {
            let partial = target + ".partial"
            try? FileManager.default.removeItem(atPath: partial)
            try FileManager.default.copyItem(atPath: source, toPath: partial)
            try FileManager.default.moveItem(atPath: partial, toPath: target)
        }
        return copy
    }
}

/// A checkpoint of another program, from which a new run can go on.
public protocol ImportedCheckpoint: Sendable {
    /// Fills the weights and the optimizer's state, and returns the epoch that comes next, counted from 0.
    ///
    /// Throws ``RunError/unfitCheckpoint(path:problems:hint:)`` if a tensor is missing or has another shape.
    func load(into state: ProgramState, stepsPerEpoch: Int) throws -> Int
}
