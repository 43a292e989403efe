import ApusData
import Foundation
import Testing

/// What a cache of images takes, and who shares it.
@Suite struct ImageCacheLimitTests {
    private let folder = try! TemporaryFolder()
    private let place = try! TemporaryFolder()
    private var files: CacheFiles { CacheFiles(path: place.path + "/images") }
    /// What an entry takes: 3 * 40 * 40 bytes and the header, in blocks.
    private let entry = 8192

    init() throws {
        for index in 0..<12 {
            try folder.write("a/\(10 + index).png", randomImage(40, 40, seed: UInt64(index)).pngData())
        }
    }

    private func loader(_ cache: ImageCache?, _ augmentation: Augmentation = .training(), threads: Int = 2) throws
        -> ImageLoader
    {
        try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 3, imageSize: 16, augmentation: augmentation, seed: 5,
            threads: threads, cacheBytes: 0, imageCache: cache)
    }

    private func all(_ loader: ImageLoader, limit: Int = .max, epoch: Int = 0) throws -> [Batch] {
        let batches = try loader.epoch(epoch, dropLast: false)
        var result: [Batch] = []
        while let batch = try batches.next() {
            #expect(try !FileManager.default.fileExists(atPath: files.path) || files.entries.count * entry <= limit)
            result.append(batch)
        }
        return result
    }

    /// What does not fit is decoded each time: to replace images of this run would only cost writes.
    @Test func aFullCacheKeepsWhatItHas() throws {
        let limit = 5 * entry + 100, warnings = Warnings()
        let cache = ImageCache(folder: files.path, limitBytes: limit) { warnings.add($0) }
        let expected = try all(loader(nil)), first = try loader(cache)
        #expect(try all(first, limit: limit) == expected)
        let entries = try files.entries
        #expect(entries.count == 5)
        #expect(warnings.lines.count == 1 && warnings.lines[0].contains("is full"))
        for epoch in 1..<3 { #expect(try all(first, limit: limit, epoch: epoch) == all(loader(nil), epoch: epoch)) }
        #expect(try files.entries == entries)
        #expect(warnings.lines.count == 1)
    }

    @Test func whatWasNotUsedForLongestGoes() throws {
        let limit = 13 * entry
        _ = try all(loader(ImageCache(folder: files.path, limitBytes: limit)))
        let old = try files.entries
        #expect(old.count == 12)
        try files.age(1000)
        let oldest = Array(old[3..<6])
        for entry in oldest {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 500)], ofItemAtPath: entry)
        }
        // Three more entries, of half the size, for which one at least has to go.
        let cache = ImageCache(folder: files.path, limitBytes: limit) { _ in Issue.record("nothing is wrong") }
        _ = try loader(cache, .wholeImage).batch([0, 1, 2], epoch: 0)
        let left = try files.entries
        #expect(left.count * entry <= limit)
        #expect(old.filter { !left.contains($0) } == oldest)
        #expect(left.filter { !old.contains($0) }.count == 3)
    }

    /// Entries get their names while others are counted, and none is missed.
    @Test func entriesUnderWayAreCounted() throws {
        let limit = 9 * entry
        for round in 0..<60 {
            if round > 0 { try files.age(1000) }
            // New entries each time, of 3 * 37 * 37 bytes and more, for which old ones have to go.
            let loader = try ImageLoader(
                folder: ImageFolder(root: folder.path), batchSize: 12, imageSize: 37 + round % 15,
                augmentation: round < 15 ? .wholeImage : round < 30 ? .evaluation : .training(), seed: 5, threads: 8,
                decoder: ImageDecoder(limits: .init(side: 100 + round)), cacheBytes: 0,
                imageCache: ImageCache(folder: files.path, limitBytes: limit) { _ in })
            _ = try loader.epoch(0, dropLast: false).next()
            let blocks = try files.entries.map { path in
                (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0) + 4095
            }.reduce(0) { $0 + $1 / 4096 * 4096 }
            #expect(blocks <= limit, "round \(round)")
        }
    }

    @Test func aSmallerLimitHoldsFromTheBeginning() throws {
        _ = try all(loader(ImageCache(folder: files.path)))
        try place.write("images/notes.txt", [1])
        try place.write("images/.entry.pixels.123-456.partial", [1])
        _ = ImageCache(folder: files.path, limitBytes: 4 * entry)
        #expect(try (1...4).contains(files.entries.count))
        let others = try FileManager.default.contentsOfDirectory(atPath: files.path).filter { !$0.hasSuffix(".pixels") }
        #expect(others.sorted() == [".size", "notes.txt"])
    }

    /// The number of bytes is counted again where its file was removed or cut.
    @Test(arguments: [nil, [], [1, 2, 3], [UInt8](repeating: 0xFF, count: 8)] as [[UInt8]?])
    func theSizeIsCountedAgain(_ content: [UInt8]?) throws {
        let cache = ImageCache(folder: files.path, limitBytes: 5 * entry) { _ in }, loader = try loader(cache)
        _ = try loader.batch([0, 1], epoch: 0)
        try FileManager.default.removeItem(atPath: files.path + "/.size")
        if let content { try place.write("images/.size", content) }
        _ = try loader.batch([2], epoch: 0)
        #expect(try files.entries.count == 3)
        _ = try all(loader, limit: 5 * entry)
        #expect(try files.entries.count == 5)
    }

    @Test func loadersShareAFolder() throws {
        let expected = try all(loader(nil)), limit = 7 * entry
        for round in 0..<3 {
            let results = try (0..<4).map { number in
                // Each has a cache of its own, as processes have.
                try loader(ImageCache(folder: files.path, limitBytes: limit) { _ in }, threads: 1 + number % 2)
                    .epoch(0, dropLast: false)
            }
            // Their threads run side by side.
            for place in expected.indices {
                for result in results { #expect(try result.next() == expected[place]) }
                #expect(try files.entries.count * entry <= limit)
            }
            // Where several write the same image at a moment, it takes room twice until one of them gives up.
            #expect(try (4...7).contains(files.entries.count), "round \(round)")
        }
    }

    /// One image that is larger than all that may be kept keeps no others out.
    @Test func aLargeImageKeepsNoOthersOut() throws {
        try folder.write("a/00.png", randomImage(200, 200, seed: 40).pngData())
        let warnings = Warnings(), cache = ImageCache(folder: files.path, limitBytes: 5 * entry) { warnings.add($0) }
        #expect(try all(loader(cache, threads: 1)) == all(loader(nil)))
        #expect(try files.entries.count == 5)
        #expect(warnings.lines.count == 1 && warnings.lines[0].contains("is full for images of"))
    }

    /// Who says no limit removes nothing that another one allows.
    @Test func aLimitIsThatOfWhoeverGaveOneLast() throws {
        let standard = ImageCache.standardLimit
        #expect(ImageCache(folder: files.path).limitBytes == standard)
        #expect(ImageCache(folder: files.path, limitBytes: 2 * standard).limitBytes == 2 * standard)
        #expect(ImageCache(folder: files.path).limitBytes == 2 * standard)
        #expect(ImageCache(folder: files.path, limitBytes: 5 * entry).limitBytes == 5 * entry)
        #expect(ImageCache(folder: files.path).limitBytes == 5 * entry)
    }

    /// A process that was stopped with the lock costs a moment, and is said once.
    @Test func aLockThatIsHeldForLong() throws {
        let expected = try all(loader(nil)), warnings = Warnings()
        let cache = ImageCache(folder: files.path) { warnings.add($0) }
        let file = open(files.path + "/.size", O_RDWR)
        defer { close(file) }
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
        for _ in 0..<2 { #expect(try all(loader(cache, threads: 1)) == expected) }
        #expect(warnings.lines.count == 1 && warnings.lines[0].contains("another process holds"))
        #expect(try files.entries.isEmpty)
    }

    /// Nobody's file is written to through a link.
    @Test func theSizeIsNoLink() throws {
        let file = try place.write("victim", [1, 2, 3]), warnings = Warnings()
        try FileManager.default.createDirectory(atPath: files.path, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: files.path + "/.size", withDestinationPath: file)
        _ = ImageCache(folder: files.path) { warnings.add($0) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data([1, 2, 3]))
        #expect(warnings.lines.count == 1)
    }

    @Test func aFolderThatCannotBeWrittenIsSaidOnce() throws {
        let expected = try all(loader(nil)), file = try place.write("file", [1]), warnings = Warnings()
        let cache = ImageCache(folder: "\(file)/images") { warnings.add($0) }
        #expect(try all(loader(cache)) == expected)
        #expect(
            warnings.lines == [
                "the image cache \(file)/images cannot be written to (Not a directory): images that it does not hold are"
                    + " decoded each time"
            ])
    }

    /// As a disk that is full, or a folder that is gone.
    @Test func writesThatFailOnTheWayAreSaidOnce() throws {
        let expected = try all(loader(nil)), warnings = Warnings()
        let cache = ImageCache(folder: files.path) { warnings.add($0) }
        try FileManager.default.removeItem(atPath: files.path)
        #expect(try all(loader(cache)) == expected)
        #expect(warnings.lines.count == 1 && warnings.lines[0].contains("No such file or directory"))
    }

    @Test func masksAreKeptWithTheirImages() throws {
        let set = try TemporaryFolder()
        for index in 0..<4 {
            try set.write("images/\(index).png", randomImage(30, 20, seed: UInt64(index)).pngData())
            for (number, name) in ["cyst", "nodule", "nowhere"].enumerated() {
                let white = (0..<600).map { UInt8($0 % (index + 2 + number) == 0 && number < 2 ? 255 : 0) }
                try set.write("masks/\(name)/\(index).png", GreyImage(width: 30, height: 20, pixels: white).pngData())
            }
        }
        func batches(_ cache: ImageCache?, _ decoder: ImageDecoder = ImageDecoder()) throws -> (
            [SegmentationBatch], [String]
        ) {
            let loader = try SegmentationLoader(
                folder: SegmentationFolder(root: set.path), batchSize: 2, imageSize: 16, augmentation: .training,
                seed: 3,
                threads: 2, decoder: decoder, cacheBytes: 0, imageCache: cache)
            let epoch = try loader.epoch(1, dropLast: true)
            return ([try #require(try epoch.next()), try #require(try epoch.next())], loader.remarks)
        }
        let expected = try batches(nil)
        #expect(expected.1.count == 1)
        for _ in 0..<2 { #expect(try batches(ImageCache(folder: files.path)) == expected) }
        #expect(try files.entries.count == 4)
        #expect(try files.bytes == 4 * (80 + 3 * 256 + 3 * 257))
        #expect(try batches(nil, ImageDecoder(shorterSide: 8)) == expected)
        // Another mask, and so other values, of one image.
        try set.write(
            "masks/cyst/2.png", GreyImage(width: 30, height: 20, pixels: .init(repeating: 255, count: 600)).pngData())
        let changed = try batches(nil)
        #expect(changed.0 != expected.0)
        #expect(try batches(ImageCache(folder: files.path)) == changed)
    }
}
