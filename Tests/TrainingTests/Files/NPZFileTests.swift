import Apus
import ApusTestSupport
import Foundation
import Testing

@Suite struct NPZFileTests {
    private let folder = TemporaryFolder()

    private func open(_ bytes: [UInt8]) throws -> NPZFile { try NPZFile(contentsOf: folder.write(bytes, to: "a.npz")) }

    private func code(_ body: () throws -> Void) -> NPYError.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? NPYError)?.code }
    }

    /// An array of some numbers in NumPy's format.
    private func npy(_ numbers: [Float]) throws -> [UInt8] {
        try NPYFile.write(TensorData(numbers), to: folder.file("x.npy"))
        return try contents(of: folder.file("x.npy"))
    }

    /// What `numpy.savez` and `numpy.savez_compressed` of NumPy 2.4 wrote (Tests/Fixtures/record_npz.py).
    @Test(arguments: ["arrays.npz", "arrays-compressed.npz"]) func readsWhatNumPyWrites(_ name: String) throws {
        let file = try NPZFile(contentsOf: fixture(name))
        let isCompressed = name.contains("compressed")
        #expect(
            file.names
                == ["weights", "labels", "doubles", "flags", "größe/π"] + (isCompressed ? ["zeros"] : []) + ["scalar"])
        #expect(try file.shape("weights") == [3, 4] && file.elementType("weights") == .f32)
        #expect(try file.tensor("weights").floats == (0..<12).map { Float($0) / 4 - 1 })
        #expect(try file.elementType("labels") == .i64 && file.tensor("labels").integers == [3, 0, 2, 1])
        #expect(try file.tensor("flags").type == TensorType(.bool, [3]) && file.bytes("flags") == [1, 0, 1])
        #expect(try file.tensor("größe/π").integers == [7])
        #expect(try file.shape("scalar") == [] && file.tensor("scalar").scalar == 2.5)
        // 1e300 is infinite in f32, and the rest of its row is not.
        #expect(try file.elementType("doubles") == .f64 && file.tensor("doubles").floats == [0.1, .infinity])
        if isCompressed {
            #expect(try file.tensor("zeros").type == TensorType(.f32, [64, 256]))
            #expect(try file.tensor("zeros").floats.allSatisfy { $0 == 0 })
        }
        #expect(!file.contains("other"))
        let missing = #expect(throws: NPYError.self) { try file.tensor("other") }
        #expect(missing?.code == .missingArray && missing?.message.contains("weights, labels") == true)
    }

    private func tensors() throws -> [String: TensorData] {
        [
            "a/weights": try TensorData((0..<4000).map { Float($0 % 9) - 4 }, shape: [40, 100]),
            "größe": try TensorData([3, -1] as [Int32]), "flags": try TensorData([true, false, true]),
            "scalar": TensorData(2.5),
            "rounded": TensorData(HostTensor(TensorType(.bf16, [2]), [1.5, -2])),
        ]
    }

    @Test(arguments: [false, true]) func writtenFilesReadBack(compressed: Bool) throws {
        let path = folder.file("w.npz"), tensors = try tensors()
        try NPZFile.write(tensors, to: path, compressed: compressed)
        let file = try NPZFile(contentsOf: path)
        #expect(file.names == tensors.keys.sorted())
        for (name, tensor) in tensors where name != "rounded" {
            #expect(try file.tensor(name) == tensor, "\(name)")
        }
        #expect(try file.tensor("rounded").floats == [1.5, -2])
        let size = try contents(of: path).count
        #expect(compressed ? size < 5000 : size > 16000)
        try NPZFile.write([:], to: path, compressed: compressed)
        #expect(try NPZFile(contentsOf: path).names == [])
    }

    /// Larger than the portions in which it is decompressed.
    @Test func largeArraysAreCompressed() throws {
        let numbers = (0..<1_000_000).map { Float(($0 &* 2_654_435_761) >> 20 & 0xFFF) }
        let tensor = try TensorData(numbers), path = folder.file("large.npz")
        try NPZFile.write(["x": tensor], to: path, compressed: true)
        #expect(try NPZFile(contentsOf: path).tensor("x") == tensor)
    }

    /// NumPy 2.4 has read a file of these bytes as what was written.
    @Test func writtenFilesStayAsNumPyReadThem() throws {
        let path = folder.file("w.npz")
        try NPZFile.write(["x": TensorData([1, 2] as [Int32]), "y": TensorData(0.5)], to: path)
        let bytes = try contents(of: path)
        #expect(bytes.count == 634 && checksum(bytes) == 0xB7FC_7930)
    }

    @Test func namesThatNoArchiveTakes() throws {
        for name in ["", "/x", "a/../b", "..", "a\\b", "a\0b", String(repeating: "x", count: 65_532)] {
            let error = #expect(throws: NPYError.self) {
                try NPZFile.write([name: TensorData(1)], to: folder.file("n.npz"))
            }
            #expect(error?.code == .invalidName)
        }
        let longest = String(repeating: "x", count: 65_531)
        try NPZFile.write([longest: TensorData(1)], to: folder.file("n.npz"))
        #expect(try NPZFile(contentsOf: folder.file("n.npz")).tensor(longest).scalar == 1)
        #expect(code { try NPZFile.write([:], to: folder.file("absent/n.npz")) } == .unwritable)
        #expect(code { _ = try NPZFile(contentsOf: folder.file("absent.npz")) } == .unreadable)
    }

    // MARK: - Files from strangers

    @Test func damagedArchives() throws {
        let array = try npy([1, 2, 3])
        func zip(_ change: (inout ZipBytes) -> Void) -> [UInt8] {
            var zip = ZipBytes([("x.npy", array), ("y.npy", array)])
            change(&zip)
            return zip.bytes
        }
        func codes(_ bytes: [UInt8]) -> [NPYError.Code?] {
            var file: NPZFile?
            if let problem = code({ file = try open(bytes) }) { return [problem] }
            return [code { _ = try file?.tensor("x") }, code { _ = try file?.tensor("y") }]
        }
        #expect(codes(zip { _ in }) == [nil, nil])
        #expect(codes([]) == [.malformedArchive] && codes(array) == [.malformedArchive])
        // Names twice, sizes and places that are not true.
        #expect(codes(zip { $0.entries[1].central.name = Array("x.npy".utf8) }) == [.malformedArchive])
        #expect(codes(ZipBytes([("x.npy", array), ("x.npy", array)]).bytes) == [.malformedArchive])
        #expect(codes(zip { $0["x.npy"].central.size += 1 }) == [.malformedArchive])
        #expect(codes(zip { $0["x.npy"].local.size = 5 }) == [.malformedArchive])
        #expect(codes(zip { $0.falsePlaces["y.npy"] = 0 }) == [.malformedArchive])
        #expect(
            codes(
                zip {
                    $0["y.npy"].central.stored = 1 << 30; $0["y.npy"].central.size = 1 << 30
                }) == [.malformedArchive])
        // A checksum that is not the content's; other kinds of entries.
        #expect(codes(zip { $0["x.npy"].central.checksum ^= 1 }) == [.damaged, nil])
        #expect(codes(zip { $0["x.npy"].central.flags = 1 }) == [.unsupported])
        #expect(
            codes(
                zip {
                    $0["x.npy"].central.method = 12; $0["x.npy"].local.method = 12
                }) == [.unsupported])
        #expect(codes(ZipBytes([("../x.npy", array)]).bytes) == [.unsupported])
        // Other files in the archive are passed over, and an array that is none is an error of its own.
        let mixed = ZipBytes([("readme.txt", Array("text".utf8)), ("x.npy", Array("no array".utf8)), ("y.npy", array)])
        #expect(codes(mixed.bytes) == [.malformedHeader, nil])
        #expect(try open(mixed.bytes).names == ["x", "y"])
        let cut = ZipBytes([("x.npy", Array(array.dropLast())), ("y.npy", array + [0])])
        #expect(codes(cut.bytes) == [.wrongSize, .wrongSize])
    }

    /// An archive of a compressed entry with these bytes and claims.
    private func compressed(_ stored: [UInt8], size: Int, of content: [UInt8], name: String = "x.npy") -> [UInt8] {
        var zip = ZipBytes([(name, stored)])
        for path in [\ZipBytes.Entry.central, \ZipBytes.Entry.local] {
            zip[name][keyPath: path].method = 8
            zip[name][keyPath: path].size = UInt32(size)
            zip[name][keyPath: path].checksum = checksum(content)
        }
        return zip.bytes
    }

    /// A block of deflate that is stored as it is, the last one or not.
    private func block(_ content: [UInt8], isLast: Bool = true) -> [UInt8] {
        let count = UInt16(content.count)
        return [isLast ? 1 : 0] + Pickled.little(count) + Pickled.little(~count) + content
    }

    @Test func damagedCompression() throws {
        let array = try npy([1, 2, 3]), count = array.count
        func problem(_ stored: [UInt8], _ size: Int) -> NPYError.Code? {
            code { _ = try open(compressed(stored, size: size, of: array)).tensor("x") }
        }
        #expect(problem(block(array), count) == nil)
        #expect(
            problem(block(Array(array.prefix(50)), isLast: false) + block(Array(array.dropFirst(50))), count) == nil)
        // Cut off, without an end, too long, damaged, and nothing at all.
        #expect(problem(Array(block(array).dropLast(3)), count) == .damaged)
        #expect(problem(block(array, isLast: false), count) == .damaged)
        #expect(problem(block(array + [0]), count) == .damaged)
        #expect(problem(block(Array(array.dropLast())), count) == .damaged)
        #expect(problem([7] + block(array), count) == .damaged)
        #expect(problem([], count) == .damaged)
        // Claims that no compression could come up to, and claims that this one does not.
        #expect(problem(block(array), 1 << 31) == .damaged)
        #expect(problem(block(array), 100_000) == .damaged)
        let error = #expect(throws: NPYError.self) {
            try open(compressed(block(array), size: 1 << 31, of: array)).tensor("x")
        }
        #expect(error?.message == "\(count + 5) compressed bytes cannot stand for \(1 << 31)")
    }

    /// No beginning of a file, and none with another byte in it, is a crash or another array.
    @Test(arguments: ["arrays.npz", "arrays-compressed.npz"]) func anyDamageIsAnError(_ name: String) throws {
        let whole = try contents(of: fixture(name)), sound = try NPZFile(contentsOf: fixture(name))
        for count in stride(from: 0, to: whole.count, by: 7) {
            #expect(throws: NPYError.self) { try open(Array(whole.prefix(count))) }
        }
        for place in whole.indices {
            for byte in [UInt8(0), 0xFF, whole[place] ^ 1] where byte != whole[place] {
                var bytes = whole
                bytes[place] = byte
                do {
                    let file = try open(bytes)
                    for name in sound.names where file.contains(name) {
                        let found = try file.bytes(name)
                        #expect(try found == sound.bytes(name), "byte \(place) is \(byte): \(name)")
                    }
                } catch is NPYError {}
            }
        }
    }

    // MARK: - Training on them

    @Test func arraysToTrainOn() throws {
        let path = folder.file("data.npz")
        try NPZFile.write(Circle.points(64, seed: 1).tensors, to: path, compressed: true)
        let data = try ArrayData(contentsOf: path)
        #expect(data.count == 64)
        let result = try fit(
            Circle.step(), data, in: folder.file("run"), settings: Circle.settings(epochs: 2), output: .silent)
        let other = try fit(
            Circle.step(), Circle.points(64, seed: 1), in: folder.file("other"), settings: Circle.settings(epochs: 2),
            output: .silent)
        #expect(try haveSameBits(result.state, other.state))
        try NPZFile.write(["x": TensorData([1, .nan] as [Float])], to: path)
        #expect(throws: DataSourceError.notFinite("x", sample: 1)) { try ArrayData(contentsOf: path) }
        try NPZFile.write([:], to: path)
        #expect(message { _ = try ArrayData(contentsOf: path) } == "the data has no samples: there is no tensor")
    }
}
