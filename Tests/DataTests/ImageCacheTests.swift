import ApusData
import ApusDigest
import Foundation
import Synchronization
import Testing

/// Warnings of a cache.
final class Warnings: Sendable {
    private let list = Mutex<[String]>([])
    var lines: [String] { list.withLock { $0 } }
    func add(_ line: String) { list.withLock { $0.append(line) } }
}

/// A folder of a cache, and what lies in it.
struct CacheFiles {
    let path: String

    var entries: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".pixels") }.sorted()
                .map { "\(path)/\($0)" }
        }
    }
    /// Bytes of the files in it.
    var bytes: Int {
        get throws { try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }.reduce(0, +) }
    }

    /// Makes all entries look as if they had been used some seconds after 1970.
    func age(_ seconds: Double) throws {
        for entry in try entries {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: entry)
        }
    }
}

@Suite struct ImageCacheTests {
    /// Six images of two classes, one of them grey, and the folder of a cache.
    private let folder = try! TemporaryFolder()
    private let place = try! TemporaryFolder()
    private var files: CacheFiles { CacheFiles(path: place.path + "/images") }

    init() throws {
        for index in 0..<6 { try folder.write("\(index < 3 ? "a" : "b")/\(index).png", image(index).pngData()) }
    }

    private func image(_ index: Int) throws -> RGBImage {
        let image = randomImage(40 + index, 64 - index, seed: UInt64(index))
        guard index == 0 else { return image }
        return try RGBImage(
            width: image.width, height: image.height,
            pixels: (0..<image.pixels.count / 3).flatMap { [UInt8](repeating: image.pixels[$0], count: 3) })
    }

    private func cache(_ limit: Int = 1 << 24, _ warnings: Warnings = Warnings()) -> ImageCache {
        ImageCache(folder: files.path, limitBytes: limit) { warnings.add($0) }
    }

    /// The batches of an epoch, nothing in memory from before.
    private func batches(
        _ cache: ImageCache?, _ augmentation: Augmentation = .training(), decoder: ImageDecoder = ImageDecoder(),
        skipUnreadable: Bool = false, threads: Int = 2
    ) throws -> [Batch] {
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 2, imageSize: 16, augmentation: augmentation, seed: 5,
            threads: threads, skipUnreadable: skipUnreadable, mapGrid: 2, decoder: decoder, cacheBytes: 0,
            imageCache: cache)
        let maps = (0..<4 * loader.items.count).map { Float($0) }
        let epoch = try loader.epoch(3, maps: maps, dropLast: false)
        var result: [Batch] = []
        while let batch = try epoch.next() { result.append(batch) }
        return result
    }

    @Test(arguments: [Augmentation.training(), .evaluation, .wholeImage])
    func batchesAreTheSame(_ augmentation: Augmentation) throws {
        let expected = try batches(nil, augmentation), warnings = Warnings()
        #expect(try batches(cache(1 << 24, warnings), augmentation) == expected)
        #expect(try files.entries.count == 6)
        let written = try files.entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        try files.age(1)
        #expect(try batches(cache(1 << 24, warnings), augmentation, threads: 1) == expected)
        // All were read, none was written anew.
        #expect(try files.entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == written)
        for entry in try files.entries {
            let used = try FileManager.default.attributesOfItem(atPath: entry)[.modificationDate] as? Date
            #expect(try #require(used).timeIntervalSince1970 > 1)
        }
        #expect(warnings.lines.isEmpty)
    }

    /// A grey image takes a byte for each pixel, and what validation sees only the pixels that it sees.
    @Test func entriesAreAsSmallAsCanBe() throws {
        _ = try batches(cache())
        let pixels = (0..<6).map { (40 + $0) * (64 - $0) }
        #expect(try files.bytes == 6 * 80 + pixels[0] + 3 * pixels[1...].reduce(0, +))
        _ = try batches(cache(), .evaluation)
        #expect(try files.entries.count == 12)
        #expect(try files.bytes == 12 * 80 + pixels[0] + 3 * pixels[1...].reduce(0, +) + 16 * 16 * (1 + 3 * 5))
    }

    /// What is looked at as a whole, over a loader of crops, is kept for itself.
    @Test func wholeImagesOfALoaderOfCrops() throws {
        func whole(_ cache: ImageCache?) throws -> Batch? {
            let loader = try ImageLoader(
                folder: ImageFolder(root: folder.path), batchSize: 6, imageSize: 16, augmentation: .training(), seed: 5,
                cacheBytes: cache == nil ? 1 << 20 : 0, imageCache: cache)
            _ = try loader.epoch(0, dropLast: false).next()
            return try ImageLoader(wholeImagesOf: loader).epoch(0, dropLast: false).next()
        }
        let expected = try whole(nil)
        for _ in 0..<2 { #expect(try whole(cache()) == expected) }
        #expect(try files.entries.count == 12)
    }

    @Test func damagedEntriesAreWrittenAnew() throws {
        let expected = try batches(cache()), entries = try files.entries
        let written = try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        func damage(_ number: Int, _ change: (inout Data) -> Void) throws {
            var data = written[number]
            change(&data)
            try data.write(to: URL(fileURLWithPath: entries[number]))
        }
        try damage(0) { $0[$0.count - 1] ^= 1 }  // pixels
        try damage(1) { $0[41] ^= 1 }  // width
        try damage(2) { $0.removeLast(100) }
        try damage(3) { $0.removeAll() }
        try damage(4) { $0 += [0] }
        try FileManager.default.removeItem(atPath: entries[5])
        try FileManager.default.createSymbolicLink(atPath: entries[5], withDestinationPath: entries[0])
        let warnings = Warnings()
        #expect(try batches(cache(1 << 24, warnings)) == expected)
        #expect(try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == written)
        #expect(warnings.lines.isEmpty)
    }

    /// Entries that are whole, and were never written here: of sizes that no image has, or none of its views.
    @Test(arguments: [Augmentation.training(), .evaluation, .wholeImage])
    func forgedEntriesAreDamaged(_ augmentation: Augmentation) throws {
        let expected = try batches(cache(), augmentation), entries = try files.entries
        let written = try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        let sizes: [[UInt32]] = [
            [.max, .max, 1, 1], [1, 1, .max, .max], [0, 0, 0, 0], [3, 3, 3, 4], [1, 1, 70000, 70000], [8, 2, 90, 90],
        ]
        for (place, size) in sizes.enumerated() {
            let bytes = size[0] < 100 ? 3 * Int(size[0]) * Int(size[1]) : 12
            try forge(entries[place], written[place], size, bytes: bytes)
        }
        #expect(try batches(cache(), augmentation) == expected)
        #expect(try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == written)
    }

    /// Sparse files of terabytes take neither memory nor time.
    @Test func hugeFilesAreNoEntries() throws {
        let expected = try batches(cache()), entries = try files.entries
        for path in [entries[0], files.path + "/.a.pixels.1-2.partial"] {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            try #require(truncate(path, 1 << 43) == 0)
        }
        #expect(try batches(cache()) == expected)
        #expect(try files.entries.count <= 6)
    }

    /// A folder that changes its name has its files under the paths of others, with sizes and times as before.
    @Test func renamedFoldersAreOthers() throws {
        let two = try TemporaryFolder(), time = Date(timeIntervalSince1970: 1_000_000)
        func write(_ name: String, _ seed: UInt64) throws {
            let image = randomImage(24, 24, seed: seed)
            try two.write("all/\(name)/1.bmp", image.pngData())
            try FileManager.default.setAttributes(
                [.modificationDate: time], ofItemAtPath: two.path + "/all/\(name)/1.bmp")
        }
        try write("a", 1)
        try write("b", 2)
        func batch(_ cache: ImageCache?) throws -> Batch? {
            let loader = try ImageLoader(
                folder: ImageFolder(root: two.path + "/all"), batchSize: 2, imageSize: 16, augmentation: .wholeImage,
                seed: 5, cacheBytes: 0, imageCache: cache)
            return try loader.epoch(0, dropLast: false).next()
        }
        _ = try batch(cache())
        let manager = FileManager.default, all = two.path + "/all/"
        for (from, to) in [("a", "c"), ("b", "a"), ("c", "b")] {
            try manager.moveItem(atPath: all + from, toPath: all + to)
        }
        #expect(try batch(cache()) == batch(nil))
    }

    /// Writes an entry with other numbers and so many bytes, whose checksums are right.
    private func forge(_ path: String, _ written: Data, _ numbers: [UInt32], bytes count: Int) throws {
        let bytes = [UInt8](repeating: 1, count: count)
        var header = [UInt8](written.prefix(40))
        for number in numbers { withUnsafeBytes(of: number.littleEndian) { header += $0 } }
        withUnsafeBytes(of: UInt64(count).littleEndian) { header += $0 }
        let sum = bytes.withUnsafeBytes { Checksum($0) }.value
        withUnsafeBytes(of: sum.littleEndian) { header += $0 }
        let whole = header.withUnsafeBytes { Checksum($0) }.value
        withUnsafeBytes(of: whole.littleEndian) { header += $0 }
        try Data(header + bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Also if it has the size and the time of before, as after copying with times.
    @Test func changedFilesAreDecodedAnew() throws {
        let path = folder.path + "/a/1.png"
        let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        let before = try batches(cache())
        let bytes = try image(1).pngData()
        let other = try RGBImage(width: 41, height: 63, pixels: image(1).pixels.map { 255 - $0 }).pngData()
        #expect(bytes.count == other.count)
        try folder.write("a/1.png", other)
        try FileManager.default.setAttributes([.modificationDate: try #require(time)], ofItemAtPath: path)
        let expected = try batches(nil)
        #expect(expected != before)
        for _ in 0..<2 { #expect(try batches(cache()) == expected) }
        #expect(try files.entries.count == 7)
    }

    @Test func whatTheDecoderDoesCounts() throws {
        let small = ImageDecoder(shorterSide: 20)
        let (whole, scaled) = (try batches(nil), try batches(nil, decoder: small))
        #expect(whole != scaled)
        for _ in 0..<2 {
            #expect(try batches(cache()) == whole)
            #expect(try batches(cache(), decoder: small) == scaled)
        }
        #expect(try files.entries.count == 12)
        // Limits hold for what is kept too.
        expectError(.imageTooLarge) { _ = try batches(cache(), decoder: ImageDecoder(limits: .init(side: 50))) }
    }

    @Test func shorterSidesAreThoseOfTorchvision() throws {
        let image = try image(5), bytes = try image.pngData()
        #expect(try ImageDecoder(shorterSide: 45).decode(bytes) == image)
        let scaled = try ImageDecoder(shorterSide: 20).decode(bytes)
        #expect((scaled.width, scaled.height) == (20, 20 * 59 / 45))
        #expect(try scaled == image.resized(width: 20, height: 26, filter: .bicubic))
        expectError(.invalidArgument) { _ = try ImageDecoder(shorterSide: 0).decode(bytes) }
    }

    @Test func filesThatCannotBeReadAreErrorsAsWithout() throws {
        _ = try batches(cache())
        try folder.write("a/1.png", [1, 2, 3])
        try FileManager.default.removeItem(atPath: folder.path + "/b/4.png")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/b/4.png", withDestinationPath: "/nowhere")
        func skipped(_ cache: ImageCache?) throws -> [DataError] {
            try ImageLoader(
                folder: ImageFolder(root: folder.path), batchSize: 2, imageSize: 16, augmentation: .training(), seed: 5,
                skipUnreadable: true, cacheBytes: 0, imageCache: cache
            ).skipped
        }
        let expected = try skipped(nil)
        #expect(expected.map(\.code) == [.unknownFormat, .fileUnreadable])
        #expect(try skipped(cache()) == expected)
        expectError(.unknownFormat) { _ = try batches(cache(), .wholeImage) }
    }
}
