import Apus

/// One value of a recipe that is no setting of a run: its path, what it may be, and where it is kept.
struct RecipeEntry: Sendable {
    let path: String
    let read: @Sendable (Recipe) -> SettingValue?
    let write: @Sendable (inout Recipe, SettingValue) throws(SettingError) -> Void

    /// All of them, in the order of a file.
    static let all: [RecipeEntry] = [
        text("name", \.name),
        text("title", \.title),
        text("source", \.source),
        choice("variant", \.variant),
        choice("data.layout", \.layout),
        RecipeEntry(path: "data.classes", read: { $0.classes.isEmpty ? nil : .text($0.classes.joined(separator: ",")) })
        {
            (recipe, value) throws(SettingError) in
            let names = value.description.split(separator: ",").map { $0.trimmed }
            guard !names.isEmpty, names.allSatisfy({ !$0.isEmpty }), Set(names).count == names.count else {
                throw .outOfRange(name: "data.classes", value: value, allowed: "a list of different names")
            }
            recipe.classes = names
        },
        integer("data.images", { $0.images }) { $0.images = $1 },
        checked("data.split", { $0.split }, allowed: "names with shares that add up to 1, such as train=0.7,val=0.3") {
            recipe, text in
            guard let parts = try? DataSplit.Part.list(text), (try? DataSplit.check(parts)) != nil else { return false }
            recipe.split = text
            return true
        },
        integer("data.seed", { $0.splitSeed }) { $0.splitSeed = $1 },
        checked("data.patients", { $0.patients }, allowed: "a regular expression") { recipe, text in
            guard (try? Regex(text)) != nil else { return false }
            recipe.patients = text
            return true
        },
        checked("data.window", { $0.window }, allowed: "two numbers, the lower one first, such as -1024,3071") {
            recipe, text in
            guard (try? IntensityWindow(text)) != nil else { return false }
            recipe.window = text
            return true
        },
        published("accuracy"), published("f1"), published("iou"),
        text("published.note", \.note),
    ]

    private typealias Key<Value> = WritableKeyPath<Recipe, Value> & Sendable

    private static func text(_ path: String, _ key: Key<String>) -> RecipeEntry {
        RecipeEntry(path: path, read: { $0[keyPath: key].isEmpty ? nil : .text($0[keyPath: key]) }) {
            (recipe, value) throws(SettingError) in
            guard case .text(let text) = value else { throw .wrongType(name: path, value: value, wanted: "a text") }
            recipe[keyPath: key] = text
        }
    }

    private static func choice<Value: RawRepresentable & CaseIterable & Sendable>(_ path: String, _ key: Key<Value>)
        -> RecipeEntry
    where Value.RawValue == String {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return RecipeEntry(path: path, read: { .text($0[keyPath: key].rawValue) }) {
            (recipe, value) throws(SettingError) in
            guard let choice = Value(rawValue: value.description) else {
                throw .outOfRange(name: path, value: value, allowed: "one of \(names)")
            }
            recipe[keyPath: key] = choice
        }
    }

    private static func integer(
        _ path: String, _ read: @escaping @Sendable (Recipe) -> Int?,
        _ write: @escaping @Sendable (inout Recipe, Int) -> Void
    ) -> RecipeEntry {
        RecipeEntry(path: path, read: { read($0).map { .integer($0) } }) { (recipe, value) throws(SettingError) in
            guard case .integer(let integer) = value else {
                throw .wrongType(name: path, value: value, wanted: "a whole number")
            }
            guard integer >= 0 else { throw .outOfRange(name: path, value: value, allowed: "a number from 0 on") }
            write(&recipe, integer)
        }
    }

    /// A text with a form of its own; `write` tells whether it has that.
    private static func checked(
        _ path: String, _ read: @escaping @Sendable (Recipe) -> String?, allowed: String,
        _ write: @escaping @Sendable (inout Recipe, String) -> Bool
    ) -> RecipeEntry {
        RecipeEntry(path: path, read: { read($0).map { .text($0) } }) { (recipe, value) throws(SettingError) in
            guard write(&recipe, value.description) else {
                throw .outOfRange(name: path, value: value, allowed: allowed)
            }
        }
    }

    private static func published(_ metric: String) -> RecipeEntry {
        let path = "published.\(metric)"
        return RecipeEntry(path: path, read: { $0.published[metric].map { .number($0) } }) {
            (recipe, value) throws(SettingError) in
            switch value {
            case .number(let number): recipe.published[metric] = number
            case .integer(let integer): recipe.published[metric] = Double(integer)
            case .flag, .text: throw .wrongType(name: path, value: value, wanted: "a number")
            }
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
