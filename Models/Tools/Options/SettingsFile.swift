import Apus
import Foundation
import MSMAE
import Yams

/// A YAML file of settings: one mapping from their names to their values.
package enum SettingsFile {
    /// What is wrong in a file, and where.
    package struct Problem: Error, CustomStringConvertible {
        let path: String, line: Int?, message: String
        package var description: String { path + (line.map { ":\($0)" } ?? "") + ": " + message }
    }

    /// The settings of a file by name; each is checked here, so that a mistake is reported with its line.
    package static func read<Settings: RunSettings>(_ path: String, for kind: Settings.Type) throws -> [String:
        SettingValue]
    {
        guard let root = try root(of: TextFile.read(path), path: path) else { return [:] }
        guard case .mapping(let mapping) = root else {
            throw Problem(path: path, line: root.line, message: "not a mapping of settings to values")
        }
        var settings: [String: SettingValue] = [:]
        var checked = Settings()
        for (key, node) in mapping {
            guard let name = key.string else {
                throw Problem(path: path, line: key.line, message: "a key is not a text")
            }
            guard case .scalar(let scalar) = node else {
                throw Problem(path: path, line: key.line, message: "\(name) is not a single value")
            }
            do {
                let setting = try Settings.setting(name)
                guard let value = value(of: node, scalar) else { continue }
                try checked.set(setting.name, value)
                guard settings.updateValue(value, forKey: setting.name) == nil else {
                    throw Problem(path: path, line: key.line, message: "\(name) is set twice")
                }
            } catch let error as SettingError {
                throw Problem(path: path, line: key.line, message: error.description)
            }
        }
        return settings
    }

    /// The settings that a file leaves a run with.
    package static func settings<Settings: RunSettings>(_ path: String) throws -> Settings {
        var settings = Settings()
        for (name, value) in try read(path, for: Settings.self) { try settings.set(name, value) }
        return settings
    }

    /// The document in a text; nil if it is empty.
    static func root(of text: String, path: String) throws -> Node? {
        do {
            return try compose(yaml: text)
        } catch let error as YamlError {
            let (line, message) = error.place(in: text)
            throw Problem(path: path, line: line, message: "not YAML: \(message)")
        }
    }

    /// The value of a scalar; nil for YAML's null, which leaves a setting as it is. What is in quotes is a text,
    /// whatever it looks like.
    static func value(of node: Node, _ scalar: Node.Scalar) -> SettingValue? {
        guard scalar.style == .any || scalar.style == .plain else { return .text(scalar.string) }
        if node.null != nil { return nil }
        if let flag = node.bool { return .flag(flag) }
        if let integer = node.int { return .integer(integer) }
        // YAML takes 1e-3, without a point, for a text.
        return (node.float ?? Double(scalar.string)).map { .number($0) } ?? .text(scalar.string)
    }
}

/// A node of a YAML document; graphs have nodes too.
typealias Node = Yams.Node

extension YamlError {
    /// Where the mistake is, in lines from 1, and what it is, in one line.
    fileprivate func place(in text: String) -> (line: Int?, message: String) {
        switch self {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            (mark.line, "\(problem)\(context.map { " (\($0.text) in line \($0.mark.line))" } ?? "")")
        case .duplicatedKeysInMapping(let duplicates, _):
            (line(repeating: duplicates, in: text), "\(duplicates.joined(separator: ", ")) is set twice")
        case .reader(let problem, _, _, _): (nil, problem)
        default: (nil, "\(self)".split(whereSeparator: \.isNewline).joined(separator: " "))
        }
    }

    /// The line in which the first of some keys stands again.
    private func line(repeating keys: [String], in text: String) -> Int? {
        guard let key = keys.first else { return nil }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let places = lines.indices.filter {
            lines[$0].drop(while: \.isWhitespace).hasPrefix(key + ":")
        }
        return places.dropFirst().first.map { $0 + 1 }
    }
}

extension Node {
    var line: Int? { mark?.line }
}
