import Apus
import Foundation

/// A text as indices into its vocabulary.
public struct ExampleText: Sendable {
    /// All characters that occur, in order.
    public let vocabulary: [Character]
    /// The characters of the text, as places in the vocabulary.
    public let indices: [Int]

    public init(_ text: String) {
        vocabulary = Set(text).sorted()
        let places = Dictionary(uniqueKeysWithValues: zip(vocabulary, vocabulary.indices))
        indices = text.compactMap { places[$0] }
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
        for (number, start) in stride(from: 0, to: indices.count, by: 1000).enumerated() {
            let piece = indices[start..<min(start + 1000, indices.count)]
            if number % 10 == 9 { parts.test += piece } else { parts.training += piece }
        }
        return parts
    }
}

/// Windows of a text: `characters` i32 [n, context], and `next` of the same shape with the character after each.
public struct TextWindows: DataSource {
    public let count: Int
    private let text: [Int], context: Int
    /// Draws where windows begin, other ones in each epoch; nil for one window after the other.
    private let seed: UInt64?

    /// As many windows as cover the text once, at random places.
    public init(_ text: [Int], context: Int, seed: Int) {
        (self.text, self.context, self.seed) = (text, context, UInt64(bitPattern: Int64(seed)))
        count = Self.count(text, context)
    }

    /// The windows that cover the text once, one after the other.
    public init(consecutive text: [Int], context: Int) {
        (self.text, self.context, seed) = (text, context, nil)
        count = Self.count(text, context)
    }

    /// How many windows with a character behind them a text has; none of no characters.
    private static func count(_ text: [Int], _ context: Int) -> Int {
        context > 0 ? max(text.count - 1, 0) / context : 0
    }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        let starts = samples.map { sample in
            guard let seed else { return sample * context }
            var random = CounterRandom(seed: seed, epoch: epoch, index: sample, purpose: .exampleData)
            return random.integer(below: text.count - context)
        }
        let shape = [samples.count, context]
        return [
            "characters": try TensorData(starts.flatMap { text[$0..<$0 + context] }, shape: shape),
            "next": try TensorData(starts.flatMap { text[$0 + 1..<$0 + 1 + context] }, shape: shape),
        ]
    }
}
