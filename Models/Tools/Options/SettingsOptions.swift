import Apus
import ArgumentParser

/// The settings of a workflow as options: one for each of `Settings.all`, with its name, its meaning and its default.
///
/// ArgumentParser finds a command's options among the stored properties that an instance's `Mirror` shows. Here, the
/// mirror shows an option for each setting, so that none has to be declared a second time; help, completion,
/// suggestions for misspelt names and messages about values are the library's own.
package struct SettingsOptions<Settings: RunSettings>: ParsableArguments, CustomReflectable {
    /// The settings that were given, by name.
    package private(set) var given: [String: SettingValue] = [:]

    package init() {}

    package var customMirror: Mirror {
        Mirror(self, children: Settings.all.map { (label: Optional($0.name), value: $0.option) })
    }

    package init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Name.self)
        for setting in Settings.all {
            let name = Name(stringValue: setting.name)
            func value<Value: SettingConvertible>(_: Option<Value?>.Type) throws -> SettingValue? {
                try options.decode(Option<Value?>.self, forKey: name).wrappedValue?.settingValue
            }
            given[setting.name] =
                switch setting.form {
                case .flag: try options.decode(Flag<Bool?>.self, forKey: name).wrappedValue?.settingValue
                case .integer: try value(Option<Int?>.self)
                case .number: try value(Option<Double?>.self)
                case .text, .numbers: try value(Option<String?>.self)
                }
        }
    }

    /// The name of a setting as the key of its option.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension Setting {
    /// The setting as ArgumentParser has options.
    fileprivate var option: Any {
        let help = ArgumentHelp(help, valueName: valueName)
        let names = NameSpecification.customLong(name)
        return switch form {
        case .flag: Flag<Bool?>(name: names, inversion: .prefixedNo, help: help)
        case .integer: Option<Int?>(name: names, help: help)
        case .number: Option<Double?>(name: names, help: help)
        case .text: Option<String?>(name: names, help: help, completion: completion)
        case .numbers: Option<String?>(name: names, parsing: .unconditional, help: help)
        }
    }

    private var completion: CompletionKind? { isPath ? .file() : choices.map { .list($0) } }
}
