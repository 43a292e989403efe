import ApusCodegen
import Foundation

/// What a run of training is to do, as a command line, a configuration file or a saved run gives it.
///
/// The requirements are what every run has; a workflow adds its own and lists all of them in ``all``.
public protocol RunSettings: Hashable, Sendable {
    /// The workflow that these are settings of.
    static var workflow: Workflow { get }
    /// All settings, in the order in which they are documented.
    static var all: [Setting<Self>] { get }

    /// The defaults.
    init()

    /// Where the data is, for messages.
    var data: String { get }
    /// The numbers to compute with.
    var precision: CompilerOptions.Precision { get set }
    /// Who computes matrix products. With `auto`, the last bits of a run depend on measurements of the machine.
    var products: CompilerOptions.Products { get set }
    /// Memory that parameters and activations may take; parts of the forward pass are computed again to stay below it.
    var memoryLimit: ByteCount? { get set }
    /// How often training goes through the data.
    var epochs: Int { get set }
    /// Images, or what else there is one of, of one run of the training program.
    var batch: Int { get set }
    /// Batches whose gradients make one update.
    var accumulation: Int { get set }
    /// Shares of each batch that are computed apart and added up in one order, so that the result does not depend on
    /// how many ranks compute them; nil for as many as there are ranks.
    var shares: Int? { get set }
    /// The numbers as which gradients travel between ranks, or shares are added up.
    var rankGradients: CompilerOptions.Precision { get set }
    /// Whether each rank keeps a part of the optimizer's state alone.
    var dividesState: Bool { get set }
    /// What all random numbers follow from.
    var seed: Int { get set }
    /// Threads to compute with; nil for as many as ``ThreadChoice`` says.
    var threads: Int? { get set }
    /// Whether each thread stays on a processor.
    var pinned: Bool { get set }
    /// Epochs from one checkpoint to the next.
    var checkpointInterval: Int { get set }
    /// Checkpoints that are kept.
    var keptCheckpoints: Int { get set }
    /// Steps from one line of the log to the next, beside those of the epochs.
    var logInterval: Int { get set }

    /// The learning rate by epoch, which counts from 0 and may be a fraction.
    var schedule: LearningRateSchedule { get }

    /// What a user may not expect of these settings, a sentence each; said before training begins.
    var notes: [String] { get }

    /// Throws if a run may not be written into a folder, such as one inside of its own data.
    func checkOutput(_ path: String) throws

    /// The workflow whose checkpoints have a format; nil if it is not known.
    static func workflow(ofFormat format: String) -> Workflow?

    /// The checkpoint of another program at a path; nil for a folder, and for what is none. Throws if there is nothing
    /// to go on with in it. `given` are the settings that are given for the run.
    static func importedCheckpoint(
        _ path: String, given: [String: SettingValue]
    ) throws -> (any ImportedCheckpoint)?
}

extension RunSettings {
    /// None.
    public var notes: [String] { [] }
    /// Allows every folder.
    public func checkOutput(_ path: String) throws {}
    /// The settings' own workflow, if it has the format.
    public static func workflow(ofFormat format: String) -> Workflow? { format == workflow.format ? workflow : nil }
    /// None: checkpoints of other programs are not known.
    public static func importedCheckpoint(
        _ path: String, given: [String: SettingValue]
    ) throws -> (any ImportedCheckpoint)? { nil }
}

/// The names of a workflow that makes runs.
public struct Workflow: Hashable, Sendable {
    /// The name in logs and on the command line, such as `pretrain`.
    public let name: String
    /// What a checkpoint says it is.
    public let format: String
    /// The name in messages, such as "pre-training".
    public let activity: String
    /// What makes such runs, such as `msmae pretrain`.
    public let command: String

    /// A workflow with its names.
    public init(_ name: String, format: String, activity: String, command: String? = nil) {
        (self.name, self.format, self.activity) = (name, format, activity)
        self.command = command ?? name
    }
}

extension RunSettings {
    /// The setting of a name; names of PyTorch's programs, with underscores, are understood too.
    public static func setting(_ name: String) throws(SettingError) -> Setting<Self> {
        let kebab = String(name.map { $0 == "_" ? "-" : $0 })
        guard let setting = all.first(where: { $0.name == kebab }) else {
            throw .unknown(name: name, advice: UnknownSetting.advice(on: name, among: all.map(\.name)))
        }
        return setting
    }

    /// Sets one setting by name.
    public mutating func set(_ name: String, _ value: SettingValue) throws(SettingError) {
        try Self.setting(name).write(&self, value)
    }

    /// All settings that have a value, by name.
    public var values: [String: SettingValue] {
        Dictionary(
            uniqueKeysWithValues: Self.all.compactMap { setting in setting.read(self).map { (setting.name, $0) } })
    }

    /// The settings as the text of a JSON object.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(values) else { preconditionFailure("settings hold only finite numbers") }
        return String(decoding: data, as: UTF8.self)
    }

    /// Reads what ``json`` has written; throws `DecodingError` or `SettingError`.
    public init(json: String) throws {
        self.init()
        for (name, value) in try JSONDecoder().decode([String: SettingValue].self, from: Data(json.utf8)) {
            try set(name, value)
        }
    }

    /// The defaults changed by settings that are given by name, with paths that do not depend on the current folder.
    public func changed(by given: [String: SettingValue]) throws(SettingError) -> Self {
        var settings = self
        for (name, value) in given.sorted(by: { $0.key < $1.key }) { try settings.set(name, value) }
        for setting in Self.all {
            guard case .text(let text) = setting.read(settings) else { continue }
            if setting.isRequired, text.isEmpty { throw .missing(name: setting.name) }
            guard setting.isPath, text != Self.noFile else { continue }
            try setting.write(&settings, .text(URL(fileURLWithPath: text).standardizedFileURL.path))
        }
        return settings
    }

    /// What stands in place of a path where there is no file.
    public static var noFile: String { "none" }
}

/// What follows from the settings.
extension RunSettings {
    /// Images, or what else a batch has, of one update of the weights.
    public var effectiveBatch: Int { batch * accumulation }

    /// How programs are compiled.
    public var compilerOptions: CompilerOptions {
        CompilerOptions(precision: precision, products: products, memoryLimit: memoryLimit?.bytes)
    }
}

/// Settings that runs of every kind have.
extension Setting {
    /// How programs are compiled. What is computed again gives the same bits, so the limit does not shape the result.
    public static var compilation: [Setting] {
        [
            Setting("precision", \.precision, "The numbers to compute with.", changesOnTheWay: true),
            Setting(
                "products", \.products,
                "Who computes matrix products; with auto, measurements decide, and last bits may differ between runs.",
                changesOnTheWay: true),
            Setting(
                "memory-limit", \.memoryLimit,
                "Memory for parameters and activations, such as 1.5GB; parts are computed again to stay below it.",
                unset: "no limit", shapesTheResult: false),
        ]
    }

    /// How long and in what portions a run trains.
    public static var length: [Setting] {
        [
            Setting(
                "epochs", \.epochs, "How often all images are seen.", .range(1...1_000_000), changesOnTheWay: true),
            Setting("batch", \.batch, "Images per batch.", .range(1...65536)),
            Setting("accum-iter", \.accumulation, "Batches per update of the weights.", .range(1...65536)),
            Setting(
                "reproducible", \.shares,
                "Divide each batch into so many shares, a power of two (4 if no number is given): the weights do not "
                    + "depend on how many ranks compute them.",
                .range(1...1024), unset: "no", valueName: "shares", changesOnTheWay: true),
            Setting(
                "rank-gradients", \.rankGradients,
                "The numbers as which gradients travel between ranks; with bf16 half the bytes do, and each sum of two ranks is "
                    + "rounded.",
                valueName: "precision", changesOnTheWay: true),
            Setting(
                "divide-state", \.dividesState,
                "Keep a part of the optimizer's state on each rank (ZeRO-1); the weights are the same but for the order of "
                    + "sums over ranks.",
                changesOnTheWay: true),
        ]
    }

    /// The seed.
    public static var seed: [Setting] {
        [Setting("seed", \.seed, "The same seed gives the same weights.", .range(0...Int.max))]
    }

    /// What does not shape the result.
    public static var running: [Setting] {
        [
            Setting(
                "threads", \.threads, "Threads to compute with.", .range(1...1024), unset: "one per core",
                shapesTheResult: false),
            Setting("pin", \.pinned, "Keep each thread on a processor of its own.", shapesTheResult: false),
            Setting(
                "checkpoint-every", \.checkpointInterval, "Epochs from one checkpoint to the next.",
                .range(1...1_000_000), shapesTheResult: false),
            Setting("keep", \.keptCheckpoints, "Checkpoints to keep.", .range(1...1_000_000), shapesTheResult: false),
            Setting(
                "log-every", \.logInterval, "Steps from one line of the log to the next.", .range(1...1_000_000_000),
                shapesTheResult: false),
        ]
    }
}
