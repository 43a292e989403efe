import Apus
import MSMAE

/// Names of options as people have them from other programs.
package enum OptionNames {
    /// Arguments whose options have no underscores: `--mask_ratio` is `--mask-ratio`, as in files.
    package static func normalized(_ arguments: [String]) -> [String] {
        let options = arguments.prefix { $0 != "--" }
        let others = arguments.dropFirst(options.count)
        return options.map { argument in
            guard argument.hasPrefix("--") else { return argument }
            let name = argument.prefix { $0 != "=" }
            return String(name.map { $0 == "_" ? "-" : $0 }) + argument.dropFirst(name.count)
        } + others
    }

    /// A message of ArgumentParser, with what may have been meant by an option that does not exist.
    package static func explained(_ message: String) -> String {
        let start = "Unknown option '--"
        guard message.hasPrefix(start), !message.contains("Did you mean") else { return message }
        let name = String(message.dropFirst(start.count).prefix { $0 != "'" && $0 != "=" })
        let names = RunKind.allCases.flatMap(\.settingNames)
        if names.contains(name) { return "\(message): other commands have it, and this one does not." }
        if let meant = UnknownSetting.meant(by: name, among: names) {
            return "\(message). Did you mean '--\(meant)'?"
        }
        return UnknownSetting.explanation(of: name).map { "\(message): \($0)." } ?? message
    }
}

extension RunKind {
    fileprivate var settingNames: [String] {
        func names<Settings: ModelSettings>(_: Settings.Type) -> [String] { Settings.all.map(\.name) }
        return names(settings)
    }
}
