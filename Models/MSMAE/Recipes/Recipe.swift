import Apus

/// How a published experiment is repeated: the data, the number to compare with, and the settings of each run.
///
/// A recipe is written as YAML (Models/Recipes). All in it goes by paths such as `data.window` or `finetune.epochs`,
/// which files, the command line and saved runs share; ``set(_:_:)`` checks each value. Settings that a section leaves
/// out have the run's defaults.
public struct Recipe: Hashable, Sendable {
    /// How the images are laid out.
    public enum Layout: String, Hashable, Sendable, CaseIterable {
        /// `PART/CLASS/IMAGE`
        case classes
        /// `PART/images/IMAGE` and `PART/masks/CLASS/IMAGE`
        case masks
    }

    /// The name by which it is asked for.
    public var name = ""
    /// What it is about, in a few words.
    public var title = ""
    /// Where the data comes from.
    public var source = ""
    /// Whether runs follow the method or the released code.
    public var variant = Configuration.Variant.corrected

    public var layout = Layout.classes
    /// Names of the class folders.
    public var classes: [String] = []
    /// Images of the whole set.
    public var images: Int?
    /// The parts that the set is split into, as `msmae split` takes them.
    public var split = "train=0.7,val=0.3"
    public var splitSeed = 0
    /// A regular expression that finds the patient in a file's name, if patients are kept together.
    public var patients: String?
    /// Intensities that become black and white, as a text of two numbers, for 16-bit scans.
    public var window: String?

    /// Published results in per cent, by metric.
    public var published: [String: Double] = [:]
    /// What explains them.
    public var note = ""

    /// Settings of runs, by name.
    public var sections: [RunKind: [String: SettingValue]] = [:]

    /// A recipe without content.
    public init() {}

    /// What a run of a kind is to be given: its section, with the variant and the window.
    public func settings(_ kind: RunKind) -> [String: SettingValue] {
        var settings = sections[kind] ?? [:]
        let shared = ["variant": SettingValue.text(variant.rawValue), "window": window.map { .text($0) }]
            .compactMapValues { $0 }
        for (name, value) in shared where kind.knows(name) && settings[name] == nil { settings[name] = value }
        return settings
    }

    /// Sets the value at a path; throws if there is no such path, or if the value is not one that it can have.
    public mutating func set(_ path: String, _ value: SettingValue) throws(SettingError) {
        if let entry = RecipeEntry.all.first(where: { $0.path == path }) { return try entry.write(&self, value) }
        let parts = path.split(separator: ".", maxSplits: 1).map { String($0) }
        guard parts.count == 2, let kind = RunKind(rawValue: parts[0]) else {
            throw .unknown(name: path, advice: UnknownSetting.advice(on: path, among: RecipeEntry.all.map(\.path)))
        }
        let name: String
        do throws(SettingError) {
            name = try kind.checked(parts[1], value)
        } catch {
            throw error.inside(kind.rawValue)
        }
        sections[kind, default: [:]][name] = value
    }

    /// Everything that has a value, by path, in the order of a file.
    public var values: [(path: String, value: SettingValue)] {
        RecipeEntry.all.compactMap { entry in entry.read(self).map { (entry.path, $0) } }
            + RunKind.allCases.flatMap { kind in
                (sections[kind] ?? [:]).sorted { $0.key < $1.key }.map { ("\(kind.rawValue).\($0.key)", $0.value) }
            }
    }

    /// Throws if what every recipe needs is missing.
    public func requireComplete() throws(SettingError) {
        for (path, isMissing) in [("name", name.isEmpty), ("title", title.isEmpty), ("data.classes", classes.isEmpty)]
        where isMissing {
            throw .missing(name: path)
        }
        if sections.isEmpty {
            throw .missing(name: "a section of settings (\(RunKind.allCases.map(\.rawValue).joined(separator: ", ")))")
        }
    }
}

extension RunKind {
    /// The full name of a setting after making sure that it can have a value.
    func checked(_ name: String, _ value: SettingValue) throws(SettingError) -> String {
        func check<Settings: ModelSettings>(_: Settings.Type) throws(SettingError) -> String {
            let setting = try Settings.setting(name)
            var settings = Settings()
            try setting.write(&settings, value)
            return setting.name
        }
        return try check(settings)
    }

    func knows(_ name: String) -> Bool {
        func find<Settings: ModelSettings>(_: Settings.Type) -> Bool { (try? Settings.setting(name)) != nil }
        return find(settings)
    }
}

extension SettingError {
    /// The same error about a setting of a section.
    func inside(_ section: String) -> SettingError {
        switch self {
        case .unknown(let name, let advice): .unknown(name: "\(section).\(name)", advice: advice)
        case .wrongType(let name, let value, let wanted):
            .wrongType(name: "\(section).\(name)", value: value, wanted: wanted)
        case .outOfRange(let name, let value, let allowed):
            .outOfRange(name: "\(section).\(name)", value: value, allowed: allowed)
        case .missing(let name): .missing(name: "\(section).\(name)")
        }
    }
}
