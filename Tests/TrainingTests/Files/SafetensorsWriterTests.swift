import ApusTraining
import Foundation
import Testing

@Suite struct SafetensorsWriterTests {
    private let folder = TemporaryFolder()

    /// The fixtures were written by the format's own library.
    @Test(arguments: ["checkpoint.tensors", "metrics", "transforms", "finetune-global-pool", "pretrain-random-masking"])
    func copiesAFixtureBitForBit(name: String) throws {
        let original = fixture("\(name).safetensors")
        let file = try SafetensorsFile(contentsOf: original)
        let bodies = try file.names.map {
            UnsafeMutableRawBufferPointer.allocate(byteCount: try file.byteCount($0), alignment: 8)
        }
        defer { bodies.forEach { $0.deallocate() } }
        let tensors = try zip(file.names, bodies).map { name, body in
            try file.copy(name, into: body)
            return SafetensorsWriter.Tensor(
                name, try file.elementType(name), try file.shape(name), body: UnsafeRawBufferPointer(body))
        }
        let copy = folder.file("copy.safetensors")
        try SafetensorsWriter.write(to: copy, metadata: file.metadata, tensors: tensors)
        #expect(try contents(of: copy) == contents(of: original))
        #expect(folder.contents == ["copy.safetensors"])
    }

    @Test func readsBackWhatItWrote() throws {
        let path = folder.file("state.safetensors")
        let floats: [Float] = [1, -0.0, .nan, .infinity, 0x1p-149, .greatestFiniteMagnitude]
        let metadata = ["plain": "text", "name with \"quotes\"\n": "\\ \u{1} \t é 😀"]
        try SafetensorsWriter.write(
            to: path, metadata: metadata,
            tensors: [
                .init("weight", [2, 3], floats: floats), .init("größe", integers: [.min, 0, .max]),
                .init("scalar", [], floats: [3]), .init("none", [0, 4], floats: []),
            ])
        let file = try SafetensorsFile(contentsOf: path)
        #expect(file.metadata == metadata)
        #expect(file.names == ["größe", "none", "scalar", "weight"])
        #expect(try file.floats("weight").map(\.bitPattern) == floats.map(\.bitPattern))
        #expect(try file.integers("größe") == [.min, 0, .max])
        #expect(try file.shape("weight") == [2, 3] && file.shape("scalar") == [] && file.shape("none") == [0, 4])
    }

    @Test func anEmptyFileIsWholeToo() throws {
        let path = folder.file("empty.safetensors")
        try SafetensorsWriter.write(to: path, tensors: [])
        #expect(try contents(of: path) == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
        #expect(try SafetensorsFile(contentsOf: path).names.isEmpty)
    }

    @Test func alignsEveryTensorToItsElements() throws {
        let path = folder.file("mixed.safetensors")
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6]
        try bytes.withUnsafeBytes { body in
            try SafetensorsWriter.write(
                to: path,
                tensors: [
                    .init("a", .u8, [3], body: UnsafeRawBufferPointer(rebasing: body[..<3])), .init("b", floats: [1]),
                    .init("c", .bf16, [3], body: body), .init("d", integers: [7]),
                ])
        }
        let file = try SafetensorsFile(contentsOf: path)
        for (name, width) in [("b", 4), ("c", 2), ("d", 8)] {
            #expect(try file.withBytes(name) { UInt(bitPattern: $0.baseAddress) % UInt(width) } == 0)
        }
        #expect(try file.bytes("a") == [1, 2, 3] && file.bytes("c") == bytes)
    }

    @Test func refusesWhatNoFileCanHold() throws {
        let path = folder.write("old".utf8, to: "state.safetensors")
        func expectRefusal(
            _ code: SafetensorsError.Code, _ message: String, _ tensors: SafetensorsWriter.Tensor...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let error = #expect(throws: SafetensorsError.self, sourceLocation: sourceLocation) {
                try SafetensorsWriter.write(to: path, tensors: tensors)
            }
            #expect(error?.code == code, sourceLocation: sourceLocation)
            #expect(error?.message == message, sourceLocation: sourceLocation)
        }
        try expectRefusal(.wrongSize, "8 bytes are not F32[3]", .init("x", [3], floats: [1, 2]))
        try expectRefusal(.wrongSize, "8 bytes are not F32[-1, -2]", .init("x", [-1, -2], floats: [1, 2]))
        try expectRefusal(.malformedHeader, "the name is taken", .init("x", floats: [1]), .init("x", integers: [1]))
        let read: @Sendable () throws -> [UInt8] = { [1, 2, 3] }
        try expectRefusal(
            .wrongSize, "3 bytes were read of it, and F32[1] takes 4", .init("x", .f32, [1], reading: read))
        try expectRefusal(.wrongSize, "0 bytes are not F32[-1]", .init("x", .f32, [-1], reading: read))
        try expectRefusal(
            .wrongSize, "with it, the tensors are larger than any file", .init("x", .f32, [1 << 60], reading: read),
            .init("y", .f32, [1 << 60], reading: read))
        try expectRefusal(.malformedHeader, "the name is taken", .init("__metadata__", floats: [1]))
        #expect(try contents(of: path) == Array("old".utf8))
    }

    @Test func keepsTheEarlierFileWhenTheDiskTakesNoMore() async throws {
        let path = folder.file("state.safetensors")
        try SafetensorsWriter.write(to: path, tensors: [.init("x", floats: [1])])
        await #expect(processExitsWith: .success) { [path = path as String] in
            limitFileSize(to: 10_000)
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.write(to: path, tensors: [.init("x", floats: .init(repeating: 2, count: 10_000))])
            }
            #expect(error?.code == .unwritable)
            #expect(error?.cause?.number == EFBIG)
            #expect(error?.description.hasPrefix("\(path): cannot write: File too large (") == true)
        }
        #expect(try SafetensorsFile(contentsOf: path).floats("x") == [1])
        #expect(folder.contents == ["state.safetensors"])
    }
}
