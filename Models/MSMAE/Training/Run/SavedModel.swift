import Apus
import Foundation

/// A checkpoint of any kind of run: what model it holds, and its tensors.
struct SavedModel {
    let file: SafetensorsFile
    let settings: any ModelSettings
    let configuration: Configuration
    /// How its programs are compiled: as in training, but for the limit of memory.
    let options: CompilerOptions
    /// Names of the classes, in the order of the labels.
    let classes: [String]
    /// The last epoch that the weights have seen, counted from 0.
    let lastEpoch: Int
    /// The masking that the run had come to.
    let masking: Masking?

    /// Opens a checkpoint, or the newest one of a run's folder. Throws if it is broken, or not one of this program's.
    init(checkpoint path: String) throws {
        let file = try SafetensorsFile(contentsOf: Self.file(path))
        guard let kind = RunKind.allCases.first(where: { $0.workflow.format == file.metadata["format"] }) else {
            throw RunError.foreignCheckpoint(
                path: file.path, reason: "it was not written by this program's training of a model")
        }
        func open<Settings: ModelSettings>(_ settings: Settings.Type) throws -> SavedModel {
            try SavedModel(file, settings)
        }
        self = try open(kind.settings)
    }

    var kind: RunKind { type(of: settings).kind }

    private init<Settings: ModelSettings>(_ file: SafetensorsFile, _: Settings.Type) throws {
        let checkpoint = try RunCheckpoint<Settings>(file)
        self.file = file
        settings = checkpoint.settings
        configuration = try checkpoint.settings.configuration(classes: checkpoint.data.classes.count)
        var options = checkpoint.settings.compilerOptions
        options.memoryLimit = nil
        self.options = options
        classes = checkpoint.data.classes
        lastEpoch = max(0, checkpoint.position.epoch - (checkpoint.position.stepInEpoch > 0 ? 0 : 1))
        masking = checkpoint.settings.masking(inEpoch: lastEpoch)
    }

    /// The file at a path, or the newest checkpoint of the run in a folder there.
    static func file(_ path: String) throws -> String {
        guard Folders.isFolder(path) else { return path }
        guard let latest = try RunFolder(opening: path).latestCheckpoint() else {
            throw RunError.noCheckpoint(path: path)
        }
        return latest.path
    }
}
