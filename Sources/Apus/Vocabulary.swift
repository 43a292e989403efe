import ApusFiles
import ApusTraining
import Foundation

/// What the tokens of a text stand for: characters, or the bytes of UTF-8.
///
/// A model is of use only with the vocabulary that it was trained with: ``write(to:)`` keeps it beside the weights.
public struct Vocabulary: Hashable, Sendable {
    /// The characters by their tokens; nil for bytes, of which each is its own token.
    public let characters: [Character]?
    private let numbers: [Character: Int]

    /// The 256 bytes, which any text is made of.
    public static let bytes = Vocabulary(characters: nil, numbers: [:])

    /// The characters that occur in a text, in order.
    public init(charactersOf text: String) { self.init(unique: Set(text).sorted()) }

    private init(unique characters: [Character]) {
        self.init(
            characters: characters,
            numbers: Dictionary(uniqueKeysWithValues: zip(characters, characters.indices)))
    }

    private init(characters: [Character]?, numbers: [Character: Int]) {
        (self.characters, self.numbers) = (characters, numbers)
    }

    /// How many tokens there are.
    public var count: Int { characters?.count ?? 256 }

    /// The tokens of a text. Throws ``DataSourceError/unknownCharacter(_:at:)``.
    public func tokens(of text: String) throws(DataSourceError) -> [Int] {
        guard characters != nil else { return text.utf8.map(Int.init) }
        var tokens: [Int] = []
        for character in text {
            guard let number = numbers[character] else {
                throw .unknownCharacter(character, at: tokens.count)
            }
            tokens.append(number)
        }
        return tokens
    }

    /// The tokens of those characters of a text that the vocabulary has.
    public func knownTokens(of text: String) -> [Int] {
        characters == nil ? text.utf8.map(Int.init) : text.compactMap { numbers[$0] }
    }

    /// The text that tokens stand for; bytes that are no UTF-8, and numbers that are no tokens, become U+FFFD.
    public func text(of tokens: [Int]) -> String {
        guard let characters else {
            return String(decoding: tokens.map { UInt8(exactly: $0) ?? 0xFF }, as: UTF8.self)
        }
        return String(tokens.map { characters.indices.contains($0) ? characters[$0] : "\u{FFFD}" })
    }

    // MARK: - Files

    private struct File: Codable {
        var unit: String
        var characters: [String]?
    }

    /// Writes the vocabulary as JSON. Throws `FileError`.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let file = File(unit: characters == nil ? "bytes" : "characters", characters: characters?.map { String($0) })
        try AtomicFile.write(String(decoding: encoder.encode(file), as: UTF8.self) + "\n", to: path)
    }

    /// Reads what ``write(to:)`` has written. Throws ``DataSourceError/unreadable(path:reason:)``, and
    /// `TextFile.Problem` for a file that is no text.
    public init(contentsOf path: String) throws {
        let text = try TextFile.read(path)
        guard let file = try? JSONDecoder().decode(File.self, from: Data(text.utf8)) else {
            throw DataSourceError.unreadable(path: path, reason: "it is no vocabulary as Vocabulary.write makes one")
        }
        switch (file.unit, file.characters) {
        case ("bytes", nil): self = .bytes
        case ("characters", let texts?):
            let characters = texts.compactMap { $0.count == 1 ? $0.first : nil }
            guard characters.count == texts.count, Set(characters).count == characters.count else {
                throw DataSourceError.unreadable(
                    path: path, reason: "an entry is not one character, or a character stands twice")
            }
            self.init(unique: characters)
        default:
            throw DataSourceError.unreadable(
                path: path, reason: "the unit '\(file.unit)' is neither bytes nor characters with a list of them")
        }
    }
}
