import ApusTestSupport
import ApusTraining
import Foundation
import Testing

/// Files of torch.save before PyTorch 1.6.
@Suite struct LegacyCheckpointTests {
    private let folder = TemporaryFolder()

    private static let numbers: [Float] = [0, 1, 2, 3, 4, 5]

    /// A training's file: two views of one storage, one of a type that is not read, and integers.
    private static var file: LegacyBytes {
        let model = Pickled.dictionary([
            ("a", Pickled.tensor("7", count: 6, shape: [2, 3], strides: [3, 1])),
            ("b", Pickled.tensor("7", count: 6, offset: 1, shape: [2], strides: [3])),
            ("c", Pickled.tensor("9", type: "ComplexFloatStorage", count: 1, shape: [1], strides: [1])),
            ("n", Pickled.tensor("8", type: "LongStorage", count: 1, shape: [], strides: [])),
        ])
        return LegacyBytes(
            Pickled.dictionary([("model", model), ("epoch", Pickled.integer(3))]),
            storages: [
                ("7", 6, littleEndian(numbers)), ("9", 1, [UInt8](repeating: 1, count: 8)),
                ("8", 1, [5, 0, 0, 0, 0, 0, 0, 0]),
            ])
    }

    private func open(_ bytes: [UInt8]) throws(TorchCheckpointError) -> TorchCheckpoint {
        try TorchCheckpoint(contentsOf: folder.write(bytes, to: "\(UUID().uuidString).pth"))
    }

    private func message(_ alter: (inout LegacyBytes) -> Void) -> String {
        var file = Self.file
        alter(&file)
        return #expect(throws: TorchCheckpointError.self) { try open(file.bytes) }?.message ?? ""
    }

    @Test func tensorsAndValuesAreRead() throws {
        let checkpoint = try open(Self.file.bytes)
        #expect(checkpoint.names == ["a", "b", "n"] && checkpoint.values == ["epoch": "3"])
        #expect(try checkpoint.floats("a") == Self.numbers && checkpoint.floats("b") == [1, 4])
        #expect(try checkpoint.bytes("n") == [5, 0, 0, 0, 0, 0, 0, 0])
        #expect(checkpoint.skipped.map(\.what) == ["a tensor of torch.ComplexFloatStorage"])
        let weights = try WeightsFile(contentsOf: folder.write(Self.file.bytes, to: "weights.pth"))
        #expect(try weights.floats("b") == [1, 4])
    }

    /// Pickles of protocol 4 begin with frames.
    @Test func framesDoNotHideTheFormat() throws {
        var file = Self.file
        file.pickles[0] = [0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0] + file.pickles[0].dropFirst(2)
        #expect(try open(file.bytes).names == ["a", "b", "n"])
    }

    /// Before PyTorch 0.4, a storage could be a part of another one.
    @Test func partsOfStoragesAreRead() throws {
        func storage(_ offset: Int, _ count: Int) -> [UInt8] {
            let part = Pickled.tuple([Pickled.text("part"), Pickled.integer(offset), Pickled.integer(count)])
            let reference = [
                Pickled.text("storage"), Pickled.global("torch", "FloatStorage"), Pickled.text("7"),
                Pickled.text("cpu"), Pickled.integer(6), part,
            ]
            return Pickled.tuple(reference) + Array("Q".utf8)
        }
        func file(_ offset: Int, _ count: Int) -> [UInt8] {
            let arguments = [
                storage(offset, count), Pickled.integer(1), Pickled.tuple([Pickled.integer(2)]),
                Pickled.tuple([Pickled.integer(1)]),
            ]
            let tensor = Pickled.call(Pickled.global("torch._utils", "_rebuild_tensor"), arguments)
            return LegacyBytes(
                Pickled.dictionary([("w", tensor)]), storages: [("7", 6, littleEndian(Self.numbers))]
            ).bytes
        }
        #expect(try open(file(2, 3)).floats("w") == [3, 4])
        for (offset, count) in [(2, 2), (4, 3), (7, 0), (-1, 3), (2, .max)] {
            let error = #expect(throws: TorchCheckpointError.self) { try open(file(offset, count)) }
            #expect(error?.code == .invalidTensor, "\(offset) \(count)")
        }
    }

    @Test func whatIsWrongIsNamedWithItsPlace() {
        #expect(
            message { $0.pickles[1] = Pickled.file(Pickled.integer(1000)) }
                == "its version is not 1001, which all of PyTorch before 1.6 have written")
        #expect(message { $0.pickles[3] = [0x80, 2, 0xFF] }.contains("the contents, which begin at byte "))
        #expect(message { $0.pickles[4] = Pickled.file(Pickled.none) } == "its list of storages is missing")
        #expect(
            message { $0.pickles[4] = Pickled.file(Pickled.list([Pickled.text("6")])) }
                .hasPrefix("it has a storage that its contents do not describe, before byte "))
        let twice = Pickled.file(Pickled.list([Pickled.text("7"), Pickled.text("7")]))
        #expect(message { $0.pickles[4] = twice }.hasSuffix("stands twice"))
        #expect(message { $0.storages[0].count = 5 }.hasSuffix("has 5 elements, and 6 by the contents"))
        #expect(message { $0.storages[0].count = -1 }.hasSuffix("is cut off"))
        #expect(
            message { $0.storages[2].bytes.removeLast() }.hasSuffix("is cut off: of 1 elements, 7 bytes are there"))
        #expect(message { $0.storages.removeLast() }.hasSuffix("is cut off"))
        let unknown = Pickled.tensor("7", type: "VeryLongStorage", count: 6, shape: [6], strides: [1])
        #expect(
            message { $0.pickles[3] = Pickled.file(unknown) }
                == "the storage 7 is a torch.VeryLongStorage, whose size is not known")
        let huge = Pickled.tensor("7", count: 1 << 62, shape: [6], strides: [1])
        #expect(
            message { file in
                file.pickles[3] = Pickled.file(Pickled.dictionary([("w", huge)]))
                file.storages[0].count = 1 << 62
            }.contains("is cut off: of 4611686018427387904 elements"))
    }

    @Test func nothingIsCalled() throws {
        let trace = folder.file("executed")
        let system = Pickled.call(Pickled.global("os", "system"), [Pickled.text("touch \(trace)")])
        var file = Self.file
        file.pickles[2] = Pickled.file(system)
        #expect(try open(file.bytes).names == ["a", "b", "n"])
        file.pickles[3] = Pickled.file(system)
        file.pickles[4] = Pickled.file(Pickled.list([]))
        #expect(throws: TorchCheckpointError.self) { try open(file.bytes) }
        #expect(!FileManager.default.fileExists(atPath: trace))
    }

    @Test func shortenedFilesAreErrors() {
        let bytes = Self.file.bytes
        for count in 0..<bytes.count {
            #expect(throws: TorchCheckpointError.self, "\(count) bytes") { try open(Array(bytes[..<count])) }
        }
    }

    /// Whatever is wrong in the file, it is refused, or every tensor has the size of its shape.
    @Test func damagedFilesGiveErrorsOrTensors() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            var bytes = Self.file.bytes
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 15..<bytes.count, using: &random)] = UInt8.random(in: 0 ... .max, using: &random)
            }
            guard let checkpoint = try? open(bytes) else { continue }
            for name in checkpoint.names {
                let size = try checkpoint.shape(name).reduce(checkpoint.elementType(name).byteCount, *)
                #expect(try checkpoint.bytes(name).count == size, "seed \(seed)")
            }
        }
    }
}
