import Apus
import Foundation

/// A text as tokens of its characters.
public struct ExampleText: Sendable {
    /// All characters that occur.
    public let vocabulary: Vocabulary
    public let tokens: [Int]

    public init(_ text: String) {
        vocabulary = Vocabulary(charactersOf: text)
        tokens = vocabulary.knownTokens(of: text)
    }

    /// The Markdown files of a folder and of the folder `Docs` in it, one after the other.
    ///
    /// Throws ``ExampleError`` if there are none.
    public init(documentsIn folder: String) throws {
        let names = ["", "Docs/"].flatMap { part -> [String] in
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + part)) ?? []
            return files.filter { $0.hasSuffix(".md") }.sorted().map { part + $0 }
        }
        let texts = names.compactMap { try? String(contentsOfFile: folder + "/" + $0, encoding: .utf8) }
        guard !texts.isEmpty else { throw ExampleError.data(path: folder, problem: "there are no Markdown files here") }
        self.init(texts.joined(separator: "\n"))
    }

    /// Each tenth piece of a thousand characters to test with, since documents differ, and the others to train on.
    public func split() -> (training: [Int], test: [Int]) {
        var parts: (training: [Int], test: [Int]) = ([], [])
        for (number, start) in stride(from: 0, to: tokens.count, by: 1000).enumerated() {
            let piece = tokens[start..<min(start + 1000, tokens.count)]
            if number % 10 == 9 { parts.test += piece } else { parts.training += piece }
        }
        return parts
    }
}
