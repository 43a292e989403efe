import Apus
import Foundation
import Testing

@Suite struct TextDataTests {
    private let folder = TemporaryFolder()

    @Test func windowsCoverTheText() throws {
        let data = try TextData(Array(0..<103), context: 10)
        #expect(data.count == 10)
        let all = try data.batch(Array(0..<10), epoch: 3)
        #expect(all["tokens"]?.type.shape == [10, 10] && all["tokens"]?.integers == (0..<100).map(Int32.init))
        #expect(all["next"]?.type.shape == [10, 10] && all["next"]?.integers == (1..<101).map(Int32.init))
        #expect(try data.batch([7, 2], epoch: 0)["tokens"]?.integers == ([70..<80, 20..<30].joined().map(Int32.init)))
        #expect(data.name(of: 7) == "the window at token 70")
        // A window and its next token are the least there is.
        #expect(try TextData([5, 6, 7], context: 2).batch([0], epoch: 0)["next"]?.integers == [6, 7])
    }

    /// Each place of a random window is followed by its next token; the whole text is in reach, its end included.
    @Test func windowsBeginAnywhere() throws {
        let data = try TextData(Array(0..<21), context: 4, randomStarts: 1, inputs: ("a", "b"))
        var starts: Set<Int32> = []
        for epoch in 0..<100 {
            let batch = try data.batch(Array(0..<5), epoch: epoch)
            let tokens = batch["a"]?.integers ?? [], next = batch["b"]?.integers ?? []
            #expect(tokens.map { $0 + 1 } == next && tokens.count == 20)
            starts.formUnion(stride(from: 0, to: 20, by: 4).map { tokens[$0] })
            #expect(try data.batch([3], epoch: epoch)["a"]?.integers == Array(tokens[12..<16]))
        }
        #expect(starts == Set(0...16))
        let other = try TextData(Array(0..<21), context: 4, randomStarts: 2)
        #expect(try (0..<9).contains { try other.batch([0], epoch: $0)["tokens"] != data.batch([0], epoch: $0)["a"] })
    }

    @Test func mistakesAreNamed() {
        #expect(
            message { _ = try TextData([1, 2], context: 2) }
                == "the data has no samples: the text has 2 tokens, and a window of 2 takes 3")
        #expect(message { _ = try TextData([1, 2], context: 0) } != "no error")
        #expect(
            message { _ = try TextData([1, -2, 3], context: 1) }
                == "the data has no samples: token 1 of the text is -2, and tokens are numbers of i32 from 0 on")
        #expect(
            message { _ = try TextData([1, 2, 1 << 40], context: 1) }.contains("token 2 of the text is 1099511627776"))
        #expect(
            message { _ = try TextData([1, 2, 3], context: 1).batch([2], epoch: 0) }
                == "the data has no samples: there is no window 2 among 2")
    }

    @Test func aVocabularyOfCharacters() throws {
        let text = "né?\n🦅 né", vocabulary = Vocabulary(charactersOf: text)
        #expect(vocabulary.characters == ["\n", " ", "?", "n", "é", "🦅"] && vocabulary.count == 6)
        let tokens = try vocabulary.tokens(of: text)
        #expect(tokens == [3, 4, 2, 0, 5, 1, 3, 4] && vocabulary.text(of: tokens) == text)
        #expect(vocabulary.text(of: [3, 6, -1]) == "n\u{FFFD}\u{FFFD}")
        #expect(
            message { _ = try vocabulary.tokens(of: "n\"n") }
                == #"the vocabulary has no "\"", which is character 1 of the text: make it of all texts, or take bytes"#
        )
        #expect(vocabulary.knownTokens(of: "nix né") == [3, 1, 3, 4])
    }

    @Test func aVocabularyOfBytes() throws {
        let tokens = try Vocabulary.bytes.tokens(of: "né🦅")
        #expect(tokens == Array("né🦅".utf8).map(Int.init) && Vocabulary.bytes.count == 256)
        #expect(Vocabulary.bytes.text(of: tokens) == "né🦅" && Vocabulary.bytes.knownTokens(of: "né🦅") == tokens)
        #expect(Vocabulary.bytes.text(of: [0x6E, 0xC3, 300]) == "n\u{FFFD}\u{FFFD}")
    }

    @Test func vocabulariesAreKept() throws {
        let path = folder.file("vocabulary.json")
        for vocabulary in [Vocabulary(charactersOf: "a\"\\é\n\r\n🦅"), Vocabulary(charactersOf: ""), .bytes] {
            try vocabulary.write(to: path)
            #expect(try Vocabulary(contentsOf: path) == vocabulary)
        }
        for (text, reason) in [
            ("[]", "no vocabulary"), ("{}", "no vocabulary"), (#"{"unit":"words"}"#, "'words' is neither"),
            (#"{"unit":"characters"}"#, "neither"), (#"{"unit":"bytes","characters":[]}"#, "neither"),
            (#"{"unit":"characters","characters":["ab"]}"#, "not one character"),
            (#"{"unit":"characters","characters":["a","a"]}"#, "stands twice"),
            (#"{"unit":"characters","characters":[""]}"#, "not one character"),
        ] {
            _ = folder.write(text.utf8, to: "vocabulary.json")
            let error = #expect(throws: DataSourceError.self) { try Vocabulary(contentsOf: path) }
            #expect(error?.description.hasPrefix(path + ": ") == true && error?.description.contains(reason) == true)
        }
        #expect(throws: TextFile.Problem.self) { try Vocabulary(contentsOf: folder.file("absent")) }
    }

    /// A text of two letters in turn is learned by `fit`, and another text is not gone on with.
    @Test func trainsOnAText() throws {
        let text = String(repeating: "ab", count: 200), vocabulary = Vocabulary(charactersOf: text)
        let data = try TextData(vocabulary.tokens(of: text), context: 8, randomStarts: 0)
        let step = TrainingStep(optimizer: .adamW(learningRate: 0.05)) {
            let logits = Embedding(2, 2)(Input("tokens", [8, 8], .int32))
            Loss(crossEntropy(logits.reshape([-1, 2]), Input("next", [8, 8], .int32).reshape([-1])))
        }
        let run = folder.file("run")
        let result = try fit(step, data, in: run, settings: Circle.settings(epochs: 12), output: .silent)
        #expect((result.means["loss"] ?? 1) < 0.1)
        let other = try TextData(vocabulary.tokens(of: text + "a"), context: 8)
        #expect(
            message {
                _ = try fit(
                    step, other, in: run, settings: Circle.settings(epochs: 13), resuming: true, output: .silent)
            }
                == "the run was started on 400 tokens in windows of 8, and the data has 401 tokens in windows of 8 now; "
                + "give the data as it was, or begin a new run with the weights of that one (loadWeights)")
    }
}
