import ApusCodegen

/// A type that a setting can have: it is read from what a command line or a file gives, and written as such.
///
/// A value that is written and read again is the same one.
public protocol SettingConvertible: Sendable {
    /// How values look on a command line.
    static var settingForm: SettingForm { get }
    /// All values as texts, if they can be listed.
    static var settingChoices: [String]? { get }

    /// Reads a value; throws what it must be.
    init(setting value: SettingValue) throws(SettingMismatch)
    /// The value in files.
    var settingValue: SettingValue { get }
}

extension SettingConvertible {
    /// None: the values cannot be listed.
    public static var settingChoices: [String]? { nil }
}

/// How the values of a setting look on a command line.
public enum SettingForm: Hashable, Sendable {
    /// One value, or none for a flag.
    case flag, integer, number, text
    /// Numbers with commas between them, the first of which may be negative.
    case numbers
}

/// What a value must be that cannot be used as it is.
public enum SettingMismatch: Error, Hashable, Sendable {
    /// It is of another type than the wanted one.
    case wrongType(wanted: String)
    /// It is not among what is allowed.
    case outOfRange(allowed: String)

    func error(_ name: String, _ value: SettingValue) -> SettingError {
        switch self {
        case .wrongType(let wanted): .wrongType(name: name, value: value, wanted: wanted)
        case .outOfRange(let allowed): .outOfRange(name: name, value: value, allowed: allowed)
        }
    }
}

extension Bool: SettingConvertible {
    /// An option without a value.
    public static var settingForm: SettingForm { .flag }
    /// True or false.
    public var settingValue: SettingValue { .flag(self) }

    /// Reads true or false.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        guard case .flag(let flag) = value else { throw .wrongType(wanted: "true or false") }
        self = flag
    }
}

extension Int: SettingConvertible {
    /// A whole number.
    public static var settingForm: SettingForm { .integer }
    /// A whole number.
    public var settingValue: SettingValue { .integer(self) }

    /// Reads a whole number.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        guard case .integer(let integer) = value else { throw .wrongType(wanted: "a whole number") }
        self = integer
    }
}

extension Double: SettingConvertible {
    /// A number.
    public static var settingForm: SettingForm { .number }
    /// A number.
    public var settingValue: SettingValue { .number(self) }

    /// Reads a number, whole or not.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        switch value {
        case .number(let number): self = number
        case .integer(let integer): self = Double(integer)
        case .flag, .text: throw .wrongType(wanted: "a number")
        }
    }
}

extension String: SettingConvertible {
    /// A text.
    public static var settingForm: SettingForm { .text }
    /// A text.
    public var settingValue: SettingValue { .text(self) }

    /// Reads a text.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        guard case .text(let text) = value else { throw .wrongType(wanted: "a text") }
        self = text
    }
}

/// Types whose cases have names.
extension SettingConvertible where Self: RawRepresentable & CaseIterable, RawValue == String {
    /// A text.
    public static var settingForm: SettingForm { .text }
    /// The names of the cases.
    public static var settingChoices: [String]? { allCases.map(\.rawValue) }
    /// The name of the case.
    public var settingValue: SettingValue { .text(rawValue) }

    /// Reads the name of a case.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        guard let choice = Self(rawValue: try String(setting: value)) else {
            throw .outOfRange(allowed: "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = choice
    }
}

extension CompilerOptions.Precision: SettingConvertible {}
extension CompilerOptions.Products: SettingConvertible {}

extension ByteCount: SettingConvertible {
    /// A text such as 1.5GB.
    public static var settingForm: SettingForm { .text }

    /// Reads a number of bytes, with a unit or without.
    public init(setting value: SettingValue) throws(SettingMismatch) {
        guard let count = ByteCount(value.description) else {
            throw .outOfRange(allowed: "a number of bytes above 0, such as 1.5GB or 800MB")
        }
        self = count
    }

    /// In the largest unit in which the count is read again as it is.
    public var settingValue: SettingValue {
        for (name, unit) in [("GB", 1e9), ("MB", 1e6), ("KB", 1e3)] where Double(bytes) >= unit {
            let text = (Double(bytes) / unit).shortText + name
            if ByteCount(text) == self { return .text(text) }
        }
        return .text(String(bytes))
    }
}

extension Double {
    /// The number without what does not change it: 5 for 5.0, 1e-6 for 1e-06.
    public var shortText: String {
        Int(exactly: self).map { String($0) } ?? description.replacing("e-0", with: "e-")
    }
}
