import Apus
import Foundation

/// A model as a file holds it, be it a checkpoint of any kind of run or weights of the public code.
struct SavedModel {
    /// The path of the file.
    let path: String
    let settings: any ModelSettings
    let configuration: Configuration
    /// How its programs are compiled: as in training, but for the limit of memory.
    let options: CompilerOptions
    /// Names of the classes, in the order of the labels; nil if the file does not tell.
    let classes: [String]?
    /// The last epoch that the weights have seen, counted from 0.
    let lastEpoch: Int
    /// The masking that the run had come to.
    let masking: Masking?
    /// What was taken for granted of a file that this program has not written.
    let notes: [String]

    private let weights: any SavedWeights

    /// Opens a checkpoint, or the newest one of a run's folder. `reading` says what to take of a file that this program
    /// has not written. Throws if it is broken, or holds no model.
    init(checkpoint path: String, reading: WeightsReading = WeightsReading()) throws {
        let weights = try WeightsFile(contentsOf: Self.file(path), selection: reading.selection)
        guard let file = weights.safetensorsFile, let format = file.metadata["format"], format.hasPrefix("msmae.")
        else {
            try self.init(weights, reading)
            return
        }
        guard let kind = RunKind.allCases.first(where: { $0.workflow.format == format }) else {
            throw RunError.foreignCheckpoint(
                path: file.path, reason: "it was not written by this program's training of a model")
        }
        func open<Settings: ModelSettings>(_ settings: Settings.Type) throws -> SavedModel {
            try SavedModel(file, settings)
        }
        self = try open(kind.settings)
    }

    var kind: RunKind { type(of: settings).kind }

    /// A checkpoint of this program.
    private init<Settings: ModelSettings>(_ file: SafetensorsFile, _: Settings.Type) throws {
        let checkpoint = try RunCheckpoint<Settings>(file)
        (path, weights, notes) = (file.path, file, [])
        settings = checkpoint.settings
        configuration = try checkpoint.settings.configuration(classes: checkpoint.data.classes.count)
        var options = checkpoint.settings.compilerOptions
        options.memoryLimit = nil
        self.options = options
        classes = checkpoint.data.classes
        lastEpoch = max(0, checkpoint.position.epoch - (checkpoint.position.stepInEpoch > 0 ? 0 : 1))
        masking = checkpoint.settings.masking(inEpoch: lastEpoch)
    }

    /// Weights of another program.
    private init(_ file: WeightsFile, _ reading: WeightsReading) throws {
        let model = try PublicModel(file, reading)
        (path, weights, notes) = (file.path, file, model.notes)
        (settings, configuration, classes) = (model.settings, model.configuration, reading.classes)
        options = model.settings.compilerOptions
        lastEpoch = file.torchCheckpoint?.values["epoch"].flatMap { Int($0) } ?? 0
        masking = model.settings.masking(inEpoch: 0)
    }

    /// Whether the file holds a tensor of this name.
    func contains(_ name: String) -> Bool { weights.contains(name) }

    /// Fills parameters with the weights, averaged ones where the file has them.
    func load(_ parameters: [Parameter], into state: ProgramState) throws {
        try weights.load(parameters, into: state)
    }

    /// The file at a path, or the newest checkpoint of the run in a folder there.
    static func file(_ path: String) throws -> String {
        guard Folders.isFolder(path) else { return path }
        let folder = try RunFolder(opening: path)
        if let latest = try folder.latestCheckpoint() { return latest.path }
        let endings = [".safetensors", ".pth", ".pt", ".bin", ".ckpt"]
        let others = try Folders.names(in: path).filter { name in
            endings.contains(where: name.hasSuffix)
        }
        throw RunError.noCheckpoint(path: path, others: others.sorted())
    }
}

/// A file that gives a program its weights.
private protocol SavedWeights {
    func contains(_ name: String) -> Bool
    func load(_ parameters: [Parameter], into state: ProgramState) throws
}

extension SafetensorsFile: SavedWeights {
    fileprivate func load(_ parameters: [Parameter], into state: ProgramState) throws {
        try state.load(parameters, from: self, averaged: true)
    }
}

extension WeightsFile: SavedWeights {
    fileprivate func load(_ parameters: [Parameter], into state: ProgramState) throws {
        var problems: [String] = []
        for parameter in parameters {
            guard contains(parameter.name) else {
                problems.append("'\(parameter.name)' is missing")
                continue
            }
            let shape = try shape(parameter.name)
            if shape != parameter.type.shape {
                problems.append("'\(parameter.name)' is \(shape) in the file and \(parameter.type.shape) in the model")
            }
        }
        guard problems.isEmpty else {
            throw RunError.unfitCheckpoint(path: path, problems: problems, hint: overview)
        }
        for parameter in parameters {
            try state.write(parameter.name, TensorData(floats(parameter.name), shape: parameter.type.shape))
        }
    }
}
