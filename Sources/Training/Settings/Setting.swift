/// One setting of a run: its name, its type, what it may be, what it means, and where it is kept.
///
/// The command line, configuration files, recipes, the saved `config.json` and the comparison with a resumed run all
/// go by ``RunSettings/all``. The default is that of the property in which the value is kept.
public struct Setting<Settings: RunSettings>: Sendable {
    /// Where a setting is kept.
    public typealias Key<Value> = WritableKeyPath<Settings, Value> & Sendable

    /// The name, in kebab case.
    public let name: String
    /// What it means, in a sentence for help texts.
    public let meaning: String
    /// How its values look on a command line.
    public let form: SettingForm
    /// All values that it can have, if they can be listed.
    public let choices: [String]?
    /// The name of a value in help texts, if it is not that of the setting.
    public let valueName: String?
    /// Whether a run with another value would give other weights; such a value does not change unasked when a run is
    /// resumed.
    public let shapesTheResult: Bool
    /// Whether a run can go on with another value, where that is asked for: the model and the order of its data stay.
    public let changesOnTheWay: Bool
    /// Whether the value is a path, or `none`.
    public let isPath: Bool
    /// Whether there is no run without it.
    public let isRequired: Bool
    /// What holds where there is no value, in words.
    public let unset: String?
    /// The value in some settings, nil where it is not set.
    public let read: @Sendable (Settings) -> SettingValue?
    /// Sets it; throws if the value has the wrong type or is out of range.
    public let write: @Sendable (inout Settings, SettingValue) throws(SettingError) -> Void

    /// A setting that always has a value.
    public init<Value: SettingConvertible>(
        _ name: String, _ key: Key<Value>, _ meaning: String, _ allowed: AllowedValues<Value> = .all,
        valueName: String? = nil, shapesTheResult: Bool = true, changesOnTheWay: Bool = false, isPath: Bool = false,
        isRequired: Bool = false
    ) {
        (self.name, self.meaning, self.valueName) = (name, meaning, valueName)
        (self.shapesTheResult, self.changesOnTheWay) = (shapesTheResult, changesOnTheWay)
        (self.isPath, self.isRequired) = (isPath, isRequired)
        (form, choices, unset) = (Value.settingForm, allowed.choices, nil)
        read = { $0[keyPath: key].settingValue }
        write = { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try allowed.value(name, value)
        }
    }

    /// A setting that may have no value; `unset` says what holds then.
    public init<Value: SettingConvertible>(
        _ name: String, _ key: Key<Value?>, _ meaning: String, _ allowed: AllowedValues<Value> = .all, unset: String,
        valueName: String? = nil, shapesTheResult: Bool = true, changesOnTheWay: Bool = false
    ) {
        (self.name, self.meaning, self.valueName) = (name, meaning, valueName)
        (self.shapesTheResult, self.changesOnTheWay) = (shapesTheResult, changesOnTheWay)
        (isPath, isRequired) = (false, false)
        (form, choices, self.unset) = (Value.settingForm, allowed.choices, unset)
        read = { $0[keyPath: key]?.settingValue }
        write = { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try allowed.value(name, value)
        }
    }

    /// The default in words; nil for what must be given.
    public var defaultText: String? {
        if isRequired { return nil }
        switch read(Settings()) {
        case .flag(let flag): return flag ? "yes" : "no"
        case .number(let number): return number.shortText
        case let value?: return value.description
        case nil: return unset
        }
    }

    /// The meaning, the values that can be listed, and the default.
    public var help: String {
        let parts = [choices.map { "values: " + $0.joined(separator: ", ") }, defaultText.map { "default: \($0)" }]
            .compactMap(\.self)
        return ([meaning] + (parts.isEmpty ? [] : ["(\(parts.joined(separator: "; ")))"])).joined(separator: " ")
    }
}

/// Which values of a type a setting may have.
public struct AllowedValues<Value: SettingConvertible>: Sendable {
    let choices: [String]?
    /// What a value must be, for one that is not allowed; nil for others.
    private let wanted: @Sendable (Value) -> String?

    private init(choices: [String]? = Value.settingChoices, _ wanted: @escaping @Sendable (Value) -> String?) {
        (self.choices, self.wanted) = (choices, wanted)
    }

    /// All values of the type.
    public static var all: AllowedValues { AllowedValues { _ in nil } }

    /// The value that was given for a setting, if it is allowed.
    func value(_ name: String, _ given: SettingValue) throws(SettingError) -> Value {
        do throws(SettingMismatch) {
            let value = try Value(setting: given)
            if let wanted = wanted(value) { throw .outOfRange(allowed: wanted) }
            return value
        } catch {
            throw error.error(name, given)
        }
    }
}

extension AllowedValues<Int> {
    /// Whole numbers in a range.
    public static func range(_ range: ClosedRange<Int>) -> AllowedValues {
        AllowedValues { range.contains($0) ? nil : "from \(range.lowerBound) to \(range.upperBound)" }
    }
}

extension AllowedValues<Double> {
    /// Numbers in a range.
    public static func range(_ range: ClosedRange<Double>) -> AllowedValues {
        AllowedValues {
            range.contains($0) ? nil : "from \(range.lowerBound.shortText) to \(range.upperBound.shortText)"
        }
    }

    /// Finite numbers from one on.
    public static func from(_ lowest: Double) -> AllowedValues {
        AllowedValues { $0 >= lowest && $0.isFinite ? nil : "a number from \(lowest.shortText) on" }
    }
}

extension AllowedValues<String> {
    /// One of some texts.
    public static func oneOf(_ names: [String]) -> AllowedValues {
        AllowedValues(choices: names) {
            names.contains($0) ? nil : "one of \(names.joined(separator: ", "))"
        }
    }
}
