/// The value of one setting, as a command line or a configuration file gives it.
public enum SettingValue: Hashable, Sendable, Codable, CustomStringConvertible {
    /// `true` or `false`.
    case flag(Bool)
    /// A whole number.
    case integer(Int)
    /// A number.
    case number(Double)
    /// A text.
    case text(String)

    public init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? container.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Swift.Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .integer(let integer): try container.encode(integer)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }

    public var description: String {
        switch self {
        case .flag(let flag): String(flag)
        case .integer(let integer): String(integer)
        case .number(let number): String(number)
        case .text(let text): text
        }
    }
}

/// A setting that cannot be used as it was given.
public enum SettingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A name that no setting has; `advice` says what may have been meant.
    case unknown(name: String, advice: String? = nil)
    /// A value of another type than the wanted one.
    case wrongType(name: String, value: SettingValue, wanted: String)
    /// A value that is not among what is allowed.
    case outOfRange(name: String, value: SettingValue, allowed: String)
    /// A setting that has no default and was not given.
    case missing(name: String)

    public var description: String {
        switch self {
        case .unknown(let name, let advice):
            "there is no setting '\(name)'; \(advice ?? "--help lists those that are known")"
        case .wrongType(let name, let value, let wanted): "\(name) is '\(value)'; it must be \(wanted)"
        case .outOfRange(let name, let value, let allowed): "\(name) is \(value); it must be \(allowed)"
        case .missing(let name): "\(name) is missing"
        }
    }
}
