import ApusData
import ApusSystem
import Foundation
import Testing

@Suite struct ImageLoaderTests {
    /// Eleven images of two classes and different sizes.
    private let folder = try! TemporaryFolder()

    init() throws {
        for index in 0..<11 {
            let image = randomImage(20 + index, 34 - index, seed: UInt64(index))
            try folder.write("\(index < 6 ? "a" : "b")/\(10 + index).png", image.pngData())
        }
    }

    private func loader(
        _ augmentation: Augmentation = .training(), batchSize: Int = 4, seed: UInt64 = 5, threads: Int = 2,
        skipUnreadable: Bool = false, mapGrid: Int? = nil, cacheBytes: Int = 1 << 20
    ) throws -> ImageLoader {
        try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: batchSize, imageSize: 16, augmentation: augmentation,
            seed: seed, threads: threads, skipUnreadable: skipUnreadable, mapGrid: mapGrid, cacheBytes: cacheBytes)
    }

    private func all(_ batches: EpochBatches) throws -> [Batch] {
        var result: [Batch] = []
        while let batch = try batches.next() { result.append(batch) }
        return result
    }

    @Test func threadsAndCacheDoNotChangeBatches() throws {
        let maps = (0..<11 * 9).map { Float($0) }
        let expected = try all(loader(threads: 1, mapGrid: 3).epoch(3, maps: maps, dropLast: false))
        #expect(expected.map(\.count) == [4, 4, 3])
        for threads in [2, 5] {
            for cacheBytes in [0, 4000, 1 << 20] {
                let loader = try loader(threads: threads, mapGrid: 3, cacheBytes: cacheBytes)
                #expect(try all(loader.epoch(3, maps: maps, dropLast: false)) == expected)
                #expect(try all(loader.epoch(3, maps: maps, dropLast: false)) == expected)
            }
        }
    }

    @Test func batchesComeWithoutThreadsToo() throws {
        let expected = try all(loader().epoch(3, dropLast: false))
        let found = try NativeThread.$areRefused.withValue(true) { try all(loader().epoch(3, dropLast: false)) }
        #expect(found == expected)
    }

    /// Where nobody keeps batches, two memories are in turn; what somebody keeps, or changes, stays as it is.
    @Test func memoryOfBatchesIsUsedAgain() throws {
        func addresses(keeping: Bool) throws -> (count: Int, kept: [Batch]) {
            let batches = try loader(batchSize: 1, threads: 1).epoch(2, dropLast: false)
            var seen: Set<Int> = [], kept: [Batch] = []
            while let batch = try batches.next() {
                seen.insert(batch.images.withOwnedNumbers { numbers, _ in Int(bitPattern: numbers.baseAddress) })
                if keeping { kept.append(batch) }
            }
            return (seen.count, kept)
        }
        #expect(try addresses(keeping: false).count <= 4)
        let (count, kept) = try addresses(keeping: true)
        let others = try all(loader(batchSize: 1, threads: 3).epoch(2, dropLast: false))
        #expect(count == 11 && kept == others)
        #expect(Set(kept.map { Array($0.images) }).count == 11)
    }

    @Test func anEpochCanBeResumedAtAnyBatch() throws {
        let whole = try all(loader().epoch(2, dropLast: false))
        for start in 0...3 {
            #expect(try all(loader().epoch(2, startingAtBatch: start, dropLast: false)) == Array(whole[start...]))
        }
        expectError(.invalidArgument) { _ = try loader().epoch(2, startingAtBatch: 4, dropLast: false) }
    }

    @Test func everyImageComesOnceAndEpochsDiffer() throws {
        let loader = try loader()
        let (first, second) = try (all(loader.epoch(0, dropLast: false)), all(loader.epoch(1, dropLast: false)))
        for epoch in [first, second] {
            #expect(epoch.flatMap(\.indices).sorted() == Array(0..<11))
            for batch in epoch {
                #expect(batch.labels == batch.indices.map { loader.items[$0].label })
                #expect(batch.images.count == batch.count * 3 * 16 * 16)
                #expect(batch.maps == nil)
            }
        }
        #expect(first.flatMap(\.indices) != second.flatMap(\.indices))
        #expect(try all(self.loader(seed: 6).epoch(0, dropLast: false)) != first)
    }

    @Test func theLastBatchCanBeDropped() throws {
        let loader = try loader()
        #expect(loader.batchCount(dropLast: true) == 2 && loader.batchCount(dropLast: false) == 3)
        #expect(try all(loader.epoch(0, dropLast: true)).map(\.count) == [4, 4])
    }

    @Test func wholeImagesComeInOrder() throws {
        let maps = (0..<11 * 4).map { Float($0) }
        let loader = try ImageLoader(wholeImagesOf: loader(mapGrid: 2))
        let batches = try all(loader.epoch(0, maps: maps, dropLast: false))
        #expect(batches.flatMap(\.indices) == Array(0..<11))
        #expect(batches.flatMap { $0.maps ?? [] } == maps)
        for index in 0..<11 {
            let image = try ImageDecoder().decode(path: loader.items[index].path)
            let expected = try image.resized(width: 16, height: 16, filter: .bilinear).normalized()
            let batch = batches[index / 4]
            #expect(Array(batch.images[index % 4 * 768..<(index % 4 + 1) * 768]) == expected)
        }
        #expect(try all(loader.epoch(7, maps: maps, dropLast: false)) == batches)
    }

    /// A ramp of 31 x 20 pixels as Pillow 13 scales it to 12 x 8 (bicubic), and its middle as torchvision cuts it out.
    @Test func evaluationShowsTheMiddle() throws {
        let ramp = try RGBImage(width: 31, height: 20, pixels: (0..<1860).map { UInt8($0 * 7 % 256) })
        let middle: [UInt8] = [
            113, 120, 96, 131, 142, 152, 165, 124, 131, 104, 100, 108, 139, 148, 155, 99, 107, 114, 153, 152, 159, 101,
            110,
            107, 155, 147, 155, 129, 96, 103, 132, 143, 146, 127, 134, 135, 108, 119, 126, 159, 129, 136, 122, 131, 142,
            160, 126, 133, 111, 108, 118, 152, 160, 130, 99, 106, 93, 143, 144, 153, 138, 98, 105, 144, 151, 159, 93,
            99,
            106, 136, 143, 144, 131, 138, 98, 108, 119, 128, 162, 134, 141, 110, 97, 104, 124, 131, 137, 100, 108, 118,
            155,
            162, 134, 103, 110, 97, 144, 146, 156, 143, 102, 110, 119, 128, 135, 95, 102, 110, 136, 143, 146, 136, 143,
            103,
            110, 120, 129, 167, 139, 146, 114, 98, 108, 148, 157, 140, 102, 110, 120, 158, 168, 139, 108, 115, 99, 140,
            147,
            157, 108, 106, 113, 123, 129, 137, 144, 151, 111,
        ]
        let folder = try TemporaryFolder()
        try folder.write("a/ramp.png", ramp.pngData())
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 4, imageSize: 7, augmentation: .evaluation, seed: 0,
            mapGrid: 2)
        let batch = try #require(try loader.epoch(0, maps: [0, 4, 0, 4], dropLast: false).next())
        let expected = try RGBImage(width: 7, height: 7, pixels: middle).normalized()
        #expect(batch.images.elementsEqual(expected))
        // Of 12 columns, those from 2 to 9: each new cell has 3.5, of which the left one has all in the left half, the
        // right one 3.
        let maps = try #require(batch.maps)
        #expect(zip(maps, [0, 4 * 3 / 3.5, 0, 4 * 3 / 3.5] as [Float]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func aPaddedBatchIsFullAndKnowsItsImages() throws {
        let maps = (0..<11 * 4).map { Float($0) }
        let loader = try loader(.evaluation, mapGrid: 2)
        #expect(loader.batchCount(dropLast: false) == 3)
        let batches = try all(loader.epoch(0, maps: maps, dropLast: false))
        let last = batches[2].padded(to: 4)
        #expect(batches[0].padded(to: 4) == batches[0])
        #expect(last.count == 3 && last.indices == [8, 9, 10] && last.labels == [1, 1, 1, 1])
        #expect(last.images.count == 4 * 768 && last.maps?.count == 16)
        #expect(last.images[..<(3 * 768)].elementsEqual(batches[2].images))
        #expect(Array(last.images[(3 * 768)...]) == Array(batches[2].images[(2 * 768)...]))
        #expect(last.maps?.suffix(4) == [40, 41, 42, 43])
    }

    @Test func aShapeThatCannotBeScaledIsNamed() throws {
        let path = try folder.write(
            "b/line.png", RGBImage(width: 9000, height: 1, pixels: [UInt8](repeating: 0, count: 27000)).pngData())
        let error = expectError(.invalidArgument) { _ = try all(loader(.evaluation).epoch(0, dropLast: false)) }
        #expect(error?.path == path)
    }

    @Test func mapsFollowTheCropAndTheFlip() throws {
        // Images whose red channel is a left-to-right ramp: a map with the same ramp has to stay in step with it.
        let folder = try TemporaryFolder()
        var ramp = [UInt8](repeating: 0, count: 64 * 64 * 3)
        for pixel in 0..<64 * 64 { ramp[pixel * 3] = UInt8(pixel % 64 * 4 + 2) }
        for index in 0..<12 {
            try folder.write("a/\(index).png", RGBImage(width: 64, height: 64, pixels: ramp).pngData())
        }
        let plain = try Normalization(mean: SIMD3(0, 0, 0), deviation: SIMD3(1, 1, 1))
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 12, imageSize: 32,
            augmentation: .training(), normalization: plain, seed: 1, mapGrid: 8)
        let row = (0..<8).map { (Float($0) + 0.5) / 8 }
        let maps = [Float]((0..<12 * 8).flatMap { _ in row })
        let batch = try #require(try loader.epoch(0, maps: maps, dropLast: true).next())
        let seen = try #require(batch.maps)
        var directions = Set<Bool>()
        for image in 0..<12 {
            for cell in 0..<8 {
                // The mean of the four columns that a cell covers, in the middle row.
                let start = image * 3 * 32 * 32 + 16 * 32 + cell * 4
                let mean = batch.images[start..<start + 4].reduce(0, +) / 4
                #expect(abs(mean - seen[image * 64 + 4 * 8 + cell]) < 0.05)
            }
            directions.insert(seen[image * 64] < seen[image * 64 + 7])
        }
        #expect(directions.count == 2)
    }

    @Test func lettingGoEarlyStopsTheThreads() throws {
        for _ in 0..<50 {
            let loader = try loader(batchSize: 2, threads: 4)
            let batches = try loader.epoch(0, dropLast: false)
            _ = try batches.next()
            batches.stop()
            #expect(try batches.next() == nil)
            _ = try loader.epoch(1, dropLast: false).next()
        }
        // A thread keeps its loader alive: once none is, all threads have ended.
        weak var last: ImageLoader?
        do {
            let loader = try loader(batchSize: 1, threads: 3)
            last = loader
            _ = try loader.epoch(0, dropLast: false).next()
        }
        for _ in 0..<500 where last != nil { Thread.sleep(forTimeInterval: 0.01) }
        #expect(last == nil)
    }

    @Test func anUnreadableImageIsNamedWhenItIsMet() throws {
        let path = try folder.write("b/bad.png", Array(randomImage(9, 9).pngData().dropLast(30)))
        let batches = try loader().epoch(0, dropLast: false)
        let error = expectError(.corruptImage) { _ = try all(batches) }
        #expect(error?.path == path)
        #expect(try batches.next() == nil)
    }

    @Test func unreadableImagesAreLeftOutAndReported() throws {
        let expected = try all(loader().epoch(1, dropLast: false)).map(\.images)
        let first = try folder.write("a/bad.png", [1, 2, 3])
        let second = try folder.write("b/zero.jpg", [])
        let loader = try loader(threads: 3, skipUnreadable: true)
        #expect(loader.skipped.map(\.path) == [first, second])
        #expect(loader.items.count == 11)
        #expect(try all(loader.epoch(1, dropLast: false)).map(\.images) == expected)
    }

    @Test func aClassOfUnreadableImagesIsAnError() throws {
        try folder.write("c/bad.png", [1, 2, 3])
        let error = expectError(.emptyClass) { _ = try loader(skipUnreadable: true) }
        #expect(error?.path == "\(folder.path)/c")
    }

    @Test func argumentsAreChecked() throws {
        let error = expectError(.batchTooLarge) { _ = try loader(batchSize: 12) }
        #expect(error?.message == "a batch of 12 cannot be filled from 11 images")
        let evaluation = try loader(.evaluation, batchSize: 12)
        #expect(try all(evaluation.epoch(0, dropLast: false)).map(\.count) == [11])
        expectError(.batchTooLarge) { _ = try evaluation.epoch(0, dropLast: true) }
        expectError(.invalidArgument) { _ = try loader(batchSize: 0) }
        expectError(.invalidArgument) { _ = try loader(.evaluation, batchSize: .max) }
        expectError(.invalidArgument) { _ = try loader(threads: 0) }
        expectError(.invalidArgument) { _ = try loader(mapGrid: 0) }
        expectError(.invalidArgument) { _ = try loader().epoch(0, maps: [1], dropLast: false) }
        expectError(.invalidArgument) { _ = try loader(mapGrid: 2).epoch(0, maps: [1], dropLast: false) }
    }
}
