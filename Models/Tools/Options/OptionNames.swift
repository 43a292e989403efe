import Apus
import MSMAE

/// Names of options as people have them from other programs.
package enum OptionNames {
    /// Arguments whose options have no underscores: `--mask_ratio` is `--mask-ratio`, as in files. `--reproducible`
    /// without a number has one.
    package static func normalized(_ arguments: [String]) -> [String] {
        let options = arguments.prefix { $0 != "--" }
        let others = arguments.dropFirst(options.count)
        return options.enumerated().flatMap { place, argument in
            guard argument.hasPrefix("--") else { return [argument] }
            let name = argument.prefix { $0 != "=" }
            let option = String(name.map { $0 == "_" ? "-" : $0 }) + argument.dropFirst(name.count)
            guard option == "--reproducible" else { return [option] }
            let next = options.dropFirst(place + 1).first
            return next.map { $0.hasPrefix("-") } ?? true ? [option, shares] : [option]
        } + others
    }

    /// Shares of a batch where `--reproducible` does not say how many.
    private static let shares = "4"

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
