import ApusFiles
import ApusRuntime
import Foundation

/// Which run is to be started or gone on with, in which folder and with which settings.
public struct RunPlan<Settings: RunSettings>: Sendable {
    /// The run's folder; that of a new run need not exist yet.
    public let path: String
    /// What the run is to do.
    public let settings: Settings
    /// The checkpoint to go on from; nil starts from the beginning.
    let checkpoint: SafetensorsFile?
    /// The checkpoint of another program that a new run goes on from, and where it is.
    private(set) var imported: (checkpoint: any ImportedCheckpoint, path: String)?
    /// The folder of a run that is gone on with is held from the moment on in which its checkpoint is chosen.
    private(set) var lock: FolderLock?
    /// Settings that the run goes on with other values of.
    private(set) var changes: [RunError.Contradiction] = []
    /// Who computes which matmul in the run that is gone on with, where measurements decide.
    private(set) var answers: [String: String] = [:]
    /// Texts that are kept beside the settings of a new run, by the names of their files.
    public var documents: [String: String] = [:]

    /// Plans a new run in the folder `out`, with the settings given by name and defaults for the others.
    ///
    /// Throws if a run is there already, or if a setting is unknown, out of range or missing. What a run has left that
    /// failed before its first checkpoint is no run: the new one takes its place.
    public init(startingIn out: String, given: [String: SettingValue]) throws {
        let settings = try Settings().changed(by: given)
        try settings.checkOutput(out)
        self.init(path: out, settings: settings, checkpoint: nil)
        try requireNoRun()
    }

    /// Plans to go on with the run in the folder `resumed`, from its newest checkpoint or, without one, from the
    /// beginning.
    ///
    /// With `out`, the run goes on in a copy there. A checkpoint of another program is gone on with as a new run in
    /// `out`; see ``RunSettings/importedCheckpoint(_:given:)``. Throws if the folder does not exist, if
    /// its checkpoint cannot be used, or if a given setting that shapes the result differs from the run's; with
    /// `allowingChanges`, those may differ that a run can go on with. Without `holding`, others may write into the
    /// folder meanwhile, and the plan is only to look at.
    public init(
        resuming resumed: String, out: String? = nil, given: [String: SettingValue], allowingChanges: Bool = false,
        holding: Bool = true
    ) throws {
        if let imported = try Settings.importedCheckpoint(resumed, given: given) {
            guard let out else { throw SettingError.missing(name: "--out") }
            try self.init(startingIn: out, given: given)
            self.imported = (imported, resumed)
            return
        }
        if Folders.isFile(resumed) { throw RunError.runExpected(path: resumed, run: Self.run(ofCheckpoint: resumed)) }
        var folder = try RunFolder(opening: resumed)
        var lock: FolderLock?
        if let out, ExactText(Folders.resolved(out)) != ExactText(Folders.resolved(resumed)) {
            try Self.requireNoRun(at: out)
            lock = try FolderLock(creating: out)
            try Self.requireNoRun(at: out)
            folder = try Self.copy(folder, to: out)
        } else if holding {
            lock = try FolderLock(creating: resumed)
        }
        let checkpoint = try folder.latestCheckpoint().map { latest in try SafetensorsFile(contentsOf: latest.path) }
        let saved: Settings
        if let checkpoint {
            saved = try RunCheckpoint<Settings>(checkpoint).settings
        } else if Folders.exists(folder.configPath) {
            saved = try Self.savedSettings(folder)
        } else {
            // Stopped even before its settings were saved.
            guard Settings.all.allSatisfy({ !$0.isRequired || given[$0.name] != nil }) else {
                throw RunError.noRun(path: resumed)
            }
            saved = try Settings().changed(by: given)
        }
        let settings = try saved.changed(by: given)
        let changes = Self.differences(settings, saved)
        guard changes.isEmpty || allowingChanges && changes.allSatisfy(\.mayChange) else {
            throw RunError.contradictions(
                changes, run: resumed, takesWeights: Settings.all.contains { $0.name == "init" })
        }
        self.init(path: folder.path, settings: settings, checkpoint: checkpoint)
        (self.lock, self.changes, answers) = (lock, changes, try RunAnswers.read(folder))
        if Settings.all.contains(where: { $0.name == "data" && $0.isPath }), !Folders.exists(settings.data) {
            throw RunError.dataMissing(run: folder.path, data: settings.data)
        }
    }

    /// Epochs that the checkpoint has behind it.
    public var finishedEpochs: Int { checkpoint.flatMap { try? RunCheckpoint<Settings>($0) }?.position.epoch ?? 0 }

    private init(path: String, settings: Settings, checkpoint: SafetensorsFile?) {
        (self.path, self.settings, self.checkpoint) = (path, settings, checkpoint)
    }

    /// Saves the settings in the run's folder, and the documents of a new one.
    func saveSettings(in folder: RunFolder) throws {
        try AtomicFile.write(settings.json + "\n", to: folder.configPath)
        for (name, text) in documents { try AtomicFile.write(text, to: "\(folder.path)/\(name)") }
    }

    /// Throws ``RunError/runExists(path:)`` if a new run would take the place of another.
    func requireNoRun() throws { try Self.requireNoRun(at: path) }

    /// Settings that shape the result and differ.
    private static func differences(_ changed: Settings, _ saved: Settings) -> [RunError.Contradiction] {
        Settings.all.filter { $0.shapesTheResult && $0.read(changed) != $0.read(saved) }.map { setting in
            RunError.Contradiction(
                name: setting.name, given: setting.read(changed)?.description ?? "not set",
                saved: setting.read(saved)?.description ?? "not set", mayChange: setting.changesOnTheWay)
        }
    }

    private static func savedSettings(_ folder: RunFolder) throws(RunError) -> Settings {
        do {
            return try Settings(json: TextFile.read(folder.configPath))
        } catch let error as SettingError {
            throw .brokenSettings(path: folder.configPath, reason: error.description)
        } catch {
            throw .brokenSettings(path: folder.configPath, reason: "it is no JSON object of settings")
        }
    }

    private static func requireNoRun(at path: String) throws {
        guard Folders.exists(path) else { return }
        let folder = try RunFolder(opening: path)
        // Settings alone are those of a run that failed before there was anything to keep.
        if try !folder.checkpoints().isEmpty || Folders.exists(folder.bestPath) {
            throw RunError.runExists(path: path)
        }
    }

    /// The folder of the run that a file is a checkpoint of, `RUN/checkpoints/FILE` or `RUN/best.safetensors`.
    private static func run(ofCheckpoint path: String) -> String? {
        [path.parentPath.parentPath, path.parentPath].first { Folders.exists("\($0)/config.json") }
    }

    /// Copies what a run needs to go on elsewhere: its log, its best and its newest checkpoint, and its settings; in
    /// this order, so that what a killed process has copied can be gone on with only if nothing of it is missing.
    private static func copy(_ folder: RunFolder, to path: String) throws -> RunFolder {
        let copy = try RunFolder(creating: path)
        let latest = try folder.latestCheckpoint().map { ($0.path, copy.checkpointPath(step: $0.step)) }
        let files: [(String, String)?] = [
            (folder.logPath, copy.logPath), (folder.bestPath, copy.bestPath), (folder.answersPath, copy.answersPath),
            latest, (folder.configPath, copy.configPath),
        ]
        for case let (source, target)? in files where Folders.exists(source) {
            let file = try MappedFile(contentsOf: source)
            try AtomicFile.write(to: target) { (output) throws(FileError) in
                try file.withBytes { (bytes) throws(FileError) in try output.write(bytes) }
            }
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
