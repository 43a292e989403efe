import Apus
import Foundation
import MSMAE
import MSMAERecipes
import Yams

/// Recipes as YAML: shipped ones by name, others by the path of a file.
package enum RecipeFile {
    /// Names of the recipes that are part of the program.
    package static var names: [String] { ShippedRecipes.all.map(\.name) }

    /// The recipe of a name or a file, with values that replace its own, such as `finetune.epochs=3`.
    ///
    /// Every value is checked; a mistake is reported with its line.
    package static func read(_ reference: String, replacing replacements: [String] = []) throws -> Recipe {
        var recipe = Recipe()
        if let shipped = ShippedRecipes.all.first(where: { $0.name == reference }) {
            try add(shipped.text, from: "\(reference).yaml", to: &recipe)
        } else {
            guard reference.contains("/") || reference.hasSuffix(".yaml") || reference.hasSuffix(".yml") else {
                throw SettingsFile.Problem(
                    path: reference, line: nil,
                    message:
                        "there is no recipe of that name; give one of \(names.joined(separator: ", ")), or the path of a YAML file"
                )
            }
            try add(TextFile.read(reference), from: reference, to: &recipe)
        }
        do {
            try recipe.requireComplete()
        } catch {
            throw SettingsFile.Problem(path: reference, line: nil, message: error.description)
        }
        for replacement in replacements { try replace(replacement, in: &recipe) }
        return recipe
    }

    /// The text of a recipe: reading it gives the recipe again.
    package static func text(of recipe: Recipe) throws -> String {
        var sections: [(Node, Node)] = []
        for (path, value) in recipe.values {
            let parts = path.split(separator: ".", maxSplits: 1).map { String($0) }
            let node = node(of: value)
            if parts.count == 1 {
                sections.append((Node(parts[0]), node))
            } else if let last = sections.indices.last, sections[last].0.string == parts[0],
                case .mapping(var mapping) = sections[last].1
            {
                mapping[Node(parts[1])] = node
                sections[last].1 = .mapping(mapping)
            } else {
                sections.append((Node(parts[0]), Node([(Node(parts[1]), node)])))
            }
        }
        return try serialize(node: Node(sections), width: 120, allowUnicode: true)
    }

    /// Writes the recipe into an experiment's folder; an experiment that goes on has to have the same one.
    package static func keep(_ recipe: Recipe, ofExperiment folder: String) throws {
        let text = try text(of: recipe), path = folder + "/recipe.yaml"
        // One that cannot be read is not written over: somebody may have put it there.
        if Folders.exists(path) {
            guard try TextFile.read(path) == text else { throw ExperimentError.otherExperiment(path: folder) }
        } else {
            try AtomicFile.write(text, to: path)
        }
    }

    private static func add(_ text: String, from path: String, to recipe: inout Recipe) throws {
        guard let root = try SettingsFile.root(of: text, path: path) else { return }
        guard case .mapping(let mapping) = root else {
            throw SettingsFile.Problem(path: path, line: root.line, message: "not a mapping of names to values")
        }
        var seen = Set<String>()
        for (key, node) in mapping {
            guard case .mapping(let section) = node else {
                try set(key, node, at: nil, in: path, &seen, &recipe)
                continue
            }
            for (name, value) in section { try set(name, value, at: key.string, in: path, &seen, &recipe) }
        }
    }

    private static func set(
        _ key: Node, _ node: Node, at section: String?, in path: String, _ seen: inout Set<String>,
        _ recipe: inout Recipe
    ) throws {
        func problem(_ message: String) -> SettingsFile.Problem {
            SettingsFile.Problem(path: path, line: key.line, message: message)
        }
        guard let name = key.string else { throw problem("a key is not a text") }
        let full = (section.map { "\($0)." } ?? "") + name
        if node.null != nil, node.scalar?.style == .plain { return }  // as if it were not there
        guard let value = value(of: node) else { throw problem("\(full) is not a single value or a list of them") }
        guard seen.insert(full).inserted else { throw problem("\(full) is set twice") }
        do {
            try recipe.set(full, value)
        } catch {
            throw problem(error.description)
        }
    }

    private static func replace(_ replacement: String, in recipe: inout Recipe) throws {
        let sides = replacement.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
        func problem(_ message: String) -> SettingsFile.Problem {
            SettingsFile.Problem(path: "--set \(replacement)", line: nil, message: message)
        }
        guard sides.count == 2 else { throw problem("write NAME=VALUE, such as finetune.epochs=3") }
        let value: SettingValue
        if sides[1].isEmpty {
            value = .text("")
        } else {
            guard let node = try SettingsFile.root(of: sides[1], path: "--set \(replacement)"),
                let given = self.value(of: node)
            else {
                throw problem("\(sides[0]) is not a single value or a list of them")
            }
            value = given
        }
        do {
            try recipe.set(sides[0], value)
        } catch {
            throw problem(error.description)
        }
    }

    /// A single value, or a list of them as a text with commas; nil for others.
    private static func value(of node: Node) -> SettingValue? {
        switch node {
        case .scalar(let scalar): return SettingsFile.value(of: node, scalar)
        case .sequence(let sequence):
            let texts = sequence.compactMap { $0.scalar?.string }
            return texts.count == sequence.count ? .text(texts.joined(separator: ",")) : nil
        case .mapping, .alias: return nil
        }
    }

    /// A text is put into quotes, so that it is one when it is read.
    private static func node(of value: SettingValue) -> Node {
        let style: Node.Scalar.Style = if case .text = value { .doubleQuoted } else { .plain }
        return .scalar(Node.Scalar(value.description, Tag(.implicit), style))
    }
}
