import Apus
import ApusInterchange
import Foundation
import Testing

/// Files from strangers: whatever they hold, there is a graph or an error that says what is wrong.
struct HostileFileTests {
    /// Reads bytes; what is thrown is an ``OnnxError`` with one line of text.
    private func read(_ bytes: Data, path: String = "", _ dimensions: [String: Int] = [:]) -> String {
        do {
            _ = try OnnxModel(bytes, path: path).imported(dimensions: dimensions)
            return "read"
        } catch let error as OnnxError {
            #expect(!error.message.isEmpty && !error.description.contains("\n"))
            return error.description
        } catch let error as FileError {
            return error.description
        } catch {
            Issue.record("\(error) is no typed error")
            return ""
        }
    }

    private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: fixture(name))) }

    @Test(arguments: ["mlp-17.onnx", "pyramid-20.onnx"]) func filesThatEndEarly(name: String) throws {
        let whole = try bytes(name)
        #expect(read(whole, name.contains("20") ? ["batch": 1] : [:]) == "read")
        for count in whole.indices { #expect(read(whole.prefix(count), ["batch": 1]) != "read", "\(count) bytes") }
    }

    @Test(arguments: ["mlp-20.onnx", "pyramid-17.onnx"]) func everyByteFlipped(name: String) throws {
        var changed = try bytes(name)
        let dimensions = name.contains("20") ? ["batch": 1] : [:]
        for place in changed.indices {
            for mask in [0xFF, 0x01, 0x80] as [UInt8] {
                changed[place] ^= mask
                _ = read(changed, dimensions)
                changed[place] ^= mask
            }
        }
        #expect(read(changed, dimensions) == "read")
    }

    /// Parts of a file that are overwritten, doubled, taken out, or brought to another place.
    @Test(arguments: ["mlp-17.onnx", "pyramid-17.onnx"]) func partsInOtherPlaces(name: String) throws {
        let whole = try bytes(name)
        var random = CounterRandom(seed: 7, index: 0, purpose: CounterRandom.Purpose(rawValue: 41))
        for _ in 0..<4000 {
            var changed = whole
            for _ in 0..<1 + random.integer(below: 3) {
                let start = random.integer(below: changed.count), length = 1 + random.integer(below: 40)
                let part = Data(changed[start..<min(start + length, changed.count)])
                let target = random.integer(below: changed.count)
                switch random.integer(below: 4) {
                case 0: changed.replaceSubrange(target..<min(target + part.count, changed.count), with: part)
                case 1: changed.insert(contentsOf: part, at: target)
                case 2: changed.removeSubrange(start..<start + part.count)
                default: changed[target] = UInt8(random.integer(below: 256))
                }
            }
            _ = read(changed)
        }
    }

    @Test func otherBytesAreNoFile() {
        #expect(read(Data()).contains("is no ONNX file"))
        #expect(read(Data("graph @x { }".utf8)).contains("is no ONNX file"))
        #expect(read(Data(repeating: 0x0A, count: 4096)).contains("is no ONNX file"))
    }

    @Test func manyEmptyNodesAreRefusedBeforeTheyTakeMemory() {
        // A graph of 5 million nodes of two bytes.
        let nodes = Data((0..<5_000_000).flatMap { _ in [0x0A, 0x00] as [UInt8] })
        var file = Data([0x3A, 0x80, 0xAD, 0xE2, 0x04])
        file += nodes
        #expect(read(file) == "has more than 4194304 nodes, attributes and names")
    }

    @Test(arguments: TextModel.cases) func mistakes(_ model: TextModel) throws {
        #expect(read(model.bytes, path: model.path) == model.message)
    }

    @Test func numbersInOtherFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-onnx-\(UUID().uuidString)")
        let inner = folder.appending(path: "model")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(count: 64).write(to: folder.appending(path: "secret"))
        try Data(count: 64).write(to: inner.appending(path: "data"))
        try FileManager.default.createSymbolicLink(
            at: inner.appending(path: "link"), withDestinationURL: folder.appending(path: "secret"))
        let path = inner.appending(path: "m.onnx").path
        func result(_ location: String, offset: String = "0", length: String = "16") -> String {
            let text = read(TextModel.external(location, offset: offset, length: length), path: path)
            return text.hasPrefix(path + ": ") ? String(text.dropFirst(path.count + 2)) : text
        }
        let owner = "node 'n' (Add): the tensor 'w', FLOAT[4],"
        #expect(result("data") == "read")
        #expect(result("data", offset: "48") == "read")
        for place in ["../secret", "/etc/passwd", "a/../../secret", "./data", "a//b", "..", "a\\b"] {
            #expect(
                result(place)
                    == "\(owner) lies in '\(place)'; only files in the folder of the model, or below it, are read")
        }
        #expect(
            result("link") == "\(owner) lies in 'link', a link that leaves the folder of the model; put the file there")
        #expect(result("data", offset: "49") == "\(owner) takes 16 bytes from 49 on in 'data', which has 64")
        #expect(result("data", length: "12") == "\(owner) takes 16 bytes; 12 are given in 'data'")
        #expect(
            result("data", offset: "-1") == "\(owner) has the offset '-1' in another file, which is no number from 0 on"
        )
        #expect(result("none").contains("none: cannot open") || result("none").contains("No such file"))
    }
}
