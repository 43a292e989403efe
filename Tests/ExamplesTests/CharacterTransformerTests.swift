import Apus
import ApusExamples
import Foundation
import Testing

@Suite struct CharacterTransformerTests {
    private let text = ExampleText(String(repeating: "The swift flies. A swift sleeps on the wing? ", count: 60))

    private var model: CharacterTransformer {
        var model = CharacterTransformer(vocabulary: text.vocabulary.count)
        (model.context, model.dim, model.blocks) = (16, 32, 2)
        return model
    }

    @Test func learns() throws {
        let windows = try TextData(text.tokens, context: 16, randomStarts: 1)
        #expect(try lossFalls(model.step(batch: 16), windows.batch(Array(0..<16), epoch: 0), runs: 25))
    }

    /// What a place tells does not depend on what comes after it.
    @Test func seesNothingAhead() throws {
        let step = InferenceStep { Output("logits", model(Input("tokens", [1, 16], .int32))) }
        let program = try Compiler(threads: 1).compile(step), state = try program.makeState(seed: 1)
        func logits(_ characters: [Int]) throws -> [Float] {
            try program.run(state, ["tokens": TensorData(characters, shape: [1, 16])])["logits"]?.floats ?? []
        }
        let known = model.vocabulary, first = try logits((0..<16).map { $0 % known })
        #expect(first.count == 16 * known)
        let other = try logits((0..<16).map { $0 < 10 ? $0 % known : 1 })
        #expect(first[..<(10 * known)] == other[..<(10 * known)] && first[(10 * known)...] != other[(10 * known)...])
    }

    @Test func writesTextOfTheAskedLength() throws {
        var options = ExampleOptions()
        options.threads = 1
        let state = try Compiler(threads: 1).compile(model.step(batch: 2)).makeState(seed: 1)
        func written(_ length: Int, temperature: Double = 1, seed: Int = 0) throws -> String {
            options.seed = seed
            return try model.text(after: "The~ ", length: length, temperature: temperature, text, state, options)
        }
        // Longer than the context; what the vocabulary lacks is left out.
        let long = try written(40)
        #expect(
            long.count == 4 + 40 && long.hasPrefix("The ")
                && long.allSatisfy((text.vocabulary.characters ?? []).contains))
        #expect(try written(40) == long && written(40, seed: 1) != long && written(0) == "The ")
        // Where only the likeliest character is left, nothing is random.
        #expect(try written(20, temperature: 1e-6) == written(20, temperature: 1e-6, seed: 1))
        #expect(throws: ExampleError.self) {
            try model.text(after: "~", length: 1, text, state, options)
        }
    }

    @Test func splitsIntoPieces() {
        let letters = (0..<10_500).map { Character(UnicodeScalar(UInt8(97 + $0 / 1000))) }
        let text = ExampleText(String(letters)), parts = text.split()
        #expect(parts.test == Array(repeating: 9, count: 1000))
        #expect(parts.training.count == 9500 && Set(parts.training) == Set(0...10).subtracting([9]))
    }

    @Test func readsDocuments() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appending(path: "Docs"), withIntermediateDirectories: true)
        #expect(throws: ExampleError.self) { try ExampleText(documentsIn: folder.path) }
        for (name, text) in [("Docs/B.md", "ba"), ("A.md", "ab"), ("C.txt", "c")] {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        let text = try ExampleText(documentsIn: folder.path)
        #expect(text.vocabulary.text(of: text.tokens) == "ab\nba" && text.vocabulary.characters == ["\n", "a", "b"])
    }
}
