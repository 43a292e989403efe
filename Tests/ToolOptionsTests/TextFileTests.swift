import Apus
import Foundation
import MSMAE
import Testing
import ToolOptions

/// Files that people write by hand, in whatever encoding, and what is said of those that cannot be read.
@Suite struct TextFileTests {
    private let path = NSTemporaryDirectory() + "apus-text-\(UUID().uuidString).yaml"

    private func withFile(_ bytes: [UInt8], _ body: () throws -> Void) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body()
    }

    private func units(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

    @Test func encodings() throws {
        let text = "data: Müller 🫁\n"
        func swapped(_ bytes: [UInt8]) -> [UInt8] {
            stride(from: 0, to: bytes.count, by: 2).flatMap { [bytes[$0 + 1], bytes[$0]] }
        }
        for bytes in [
            Array(text.utf8), [0xEF, 0xBB, 0xBF] + text.utf8, [0xFF, 0xFE] + units(text),
            [0xFE, 0xFF] + swapped(units(text)),
        ] {
            try withFile(bytes) { () throws in #expect(try TextFile.read(path) == text) }
        }
        try withFile([]) { () throws in #expect(try TextFile.read(path) == "") }
    }

    @Test func whatIsNotTextIsNamedWithItsLine() throws {
        // Latin-1, half a pair of UTF-16, and half a character of UTF-8.
        for (bytes, line) in [
            (Array("a\nb # M".utf8) + [0xFC] + Array("ller\nc\n".utf8), 2), ([0xFF, 0xFE, 0x00, 0xD8], 1),
            ([0x61, 0x0A, 0x0A, 0xC3], 3), ([0xFF, 0xFE, 0x61], 1),
        ] {
            try withFile(bytes) { () throws in
                #expect(throws: TextFile.Problem.notUTF8(path: path, line: line)) { try TextFile.read(path) }
                let error = #expect(throws: TextFile.Problem.self) {
                    try SettingsFile.read(path, for: PreTrainingSettings.self)
                }
                #expect(
                    error?.description == "\(path):\(line): the text is not UTF-8 (Latin-1?); save the file as UTF-8")
            }
        }
    }

    @Test func filesThatAreNone() throws {
        let missing = #expect(throws: TextFile.Problem.self) { try TextFile.read("/nowhere/x.yaml") }
        #expect(missing?.description.contains("No such file or directory") == true)
        let folder = #expect(throws: TextFile.Problem.self) { try TextFile.read(NSTemporaryDirectory()) }
        #expect(folder?.description.contains("a file was expected here, and this is a folder") == true)
        try withFile([UInt8](repeating: 0x61, count: 1)) { () throws in
            #expect(truncate(path, off_t(TextFile.largest + 1)) == 0)
            #expect(throws: TextFile.Problem.tooLarge(path: path, byteCount: TextFile.largest + 1)) {
                try TextFile.read(path)
            }
        }
    }

    // MARK: - YAML

    /// The message about a file of settings, without its path.
    private func message(_ text: String) throws -> String? {
        var message: String?
        try withFile(Array(text.utf8)) { () throws in
            do {
                _ = try SettingsFile.read(path, for: PreTrainingSettings.self)
            } catch {
                message = String("\(error)".dropFirst(path.count))
            }
        }
        return message
    }

    @Test(arguments: [
        ("data: IN\n\tpreset: demo\n", ":2: not YAML: found a tab character that violates indentation"),
        ("data: IN\nepochs: 1\nbatch: 2\nepochs: 2\n", ":4: not YAML: epochs is set twice"),
        ("data: [IN\n", ":2: not YAML: did not find expected ',' or ']'"),
        ("data: 'IN\n", ":2: not YAML: found unexpected end of stream"),
        ("data: *x\n", ":1: not YAML: "), ("data: \u{1}\n", ": not YAML: control characters are not allowed"),
        ("batch_size: 3\n", ":1: there is no setting 'batch_size'; did you mean batch?"),
        ("batch: ten\n", ":1: batch is 'ten'; it must be"), ("nothing: null\n", ":1: there is no setting 'nothing'"),
    ])
    func mistakesAreOneLine(text: String, start: String) throws {
        let message = try #require(try message(text))
        #expect(message.hasPrefix(start), "\(message)")
        #expect(!message.contains("\n"))
    }

    @Test(arguments: ["null", "~", "", "Null"])
    func nullIsUnset(word: String) throws {
        try withFile(Array("lr: \(word)\nepochs: 3\n".utf8)) { () throws in
            #expect(try SettingsFile.read(path, for: PreTrainingSettings.self) == ["epochs": .integer(3)])
        }
        try withFile(Array("data: \"null\"\n".utf8)) { () throws in
            #expect(try SettingsFile.read(path, for: PreTrainingSettings.self) == ["data": .text("null")])
        }
    }

    @Test func nullInARecipeIsUnset() throws {
        var text = try RecipeFile.text(of: RecipeFile.read("phantom"))
        let expected = try RecipeFile.read("phantom").sections[.pretrain] ?? [:]
        text = text.replacingOccurrences(of: "pretrain:\n", with: "pretrain:\n  lr: null\n")
        #expect(text.contains("lr: null"))
        try withFile(Array(text.utf8)) { () throws in #expect(try RecipeFile.read(path).sections[.pretrain] == expected)
        }
    }
}
