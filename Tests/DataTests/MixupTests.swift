import ApusData
import Foundation
import Testing

@Suite struct MixupTests {
    /// Six images of 8 x 8 pixels in three classes, with maps of 4 x 4; image i is all i, and so is its map.
    private let folder = try! TemporaryFolder()

    private func batch() throws -> Batch {
        for index in 0..<6 {
            let image = try RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: UInt8(index), count: 192))
            try folder.write("\(["a", "b", "c"][index / 2])/\(index).png", image.pngData())
        }
        let bytes = try Normalization(mean: SIMD3(), deviation: SIMD3(repeating: 1.0 / 255))
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 6, imageSize: 8, augmentation: .wholeImage,
            normalization: bytes,
            seed: 0, mapGrid: 4)
        let maps = (0..<6).flatMap { [Float](repeating: Float($0), count: 16) }
        return try #require(try loader.epoch(0, maps: maps, dropLast: true).next())
    }

    @Test func mixupBlendsImagesMapsAndTargetsAlike() throws {
        let batch = try batch()
        for number in 0..<20 {
            let mixed = try Mixup(mixup: 0.8, cutmix: 0).mixed(batch, classes: 3, seed: 1, epoch: 2, number: number)
            let targets = try #require(mixed.targets), maps = try #require(mixed.maps)
            // Of the first image, which meets the last one: 5 (1 - share) is what it shows.
            let share = 1 - mixed.images[0] / 5
            for image in 0..<6 {
                let expected = share * Float(image) + (1 - share) * Float(5 - image)
                #expect(mixed.images[image * 192..<(image + 1) * 192].allSatisfy { abs($0 - expected) < 1e-4 })
                #expect(maps[image * 16..<(image + 1) * 16].allSatisfy { abs($0 - expected) < 1e-4 })
                for label in 0..<3 {
                    let own: Float = label == image / 2 ? 1 : 0, other: Float = label == (5 - image) / 2 ? 1 : 0
                    let smooth = 0.9 * (share * own + (1 - share) * other) + 0.1 / 3
                    #expect(abs(targets[image * 3 + label] - smooth) < 1e-5)
                }
            }
        }
    }

    @Test func cutmixReplacesARectangleAndCountsItsArea() throws {
        let batch = try batch()
        var areas = Set<Int>()
        for number in 0..<40 {
            let mixed = try Mixup(mixup: 0, cutmix: 1, smoothing: 0).mixed(
                batch, classes: 3, seed: 1, epoch: 0, number: number)
            let targets = try #require(mixed.targets), maps = try #require(mixed.maps)
            // Where the first image shows the last one, its numbers are 5.
            let first = mixed.images[0..<64].map { $0.rounded() }
            let replaced = first.indices.filter { first[$0] == 5 }
            #expect(first.allSatisfy { $0 == 0 || $0 == 5 })
            let rows = Set(replaced.map { $0 / 8 }), columns = Set(replaced.map { $0 % 8 })
            #expect(rows.count * columns.count == replaced.count)
            #expect(rows.isEmpty || rows.max()! - rows.min()! + 1 == rows.count)
            #expect(abs(targets[0] - (1 - Float(replaced.count) / 64)) < 1e-6)
            #expect(abs(targets[2] - Float(replaced.count) / 64) < 1e-6)
            for cell in 0..<16 {
                let (y, x) = (cell / 4 * 2, cell % 4 * 2)
                let mean =
                    [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)].reduce(Float(0)) { $0 + first[$1.0 * 8 + $1.1] }
                    / 4
                #expect(abs(maps[cell] - mean) < 1e-5)
            }
            areas.insert(replaced.count)
        }
        #expect(areas.count > 3)
    }

    @Test func whatIsDrawnDependsOnItsPlaceAlone() throws {
        let batch = try batch()
        let both = try Mixup(mixup: 0.8, cutmix: 1)
        let mixed = try both.mixed(batch, classes: 3, seed: 7, epoch: 3, number: 5)
        #expect(try both.mixed(batch, classes: 3, seed: 7, epoch: 3, number: 5) == mixed)
        for (seed, epoch, number) in [(8, 3, 5), (7, 4, 5), (7, 3, 6)] {
            #expect(try both.mixed(batch, classes: 3, seed: UInt64(seed), epoch: epoch, number: number) != mixed)
        }
    }

    @Test func switchedOffItOnlySpreadsTargets() throws {
        let batch = try batch()
        for mixup in [
            try Mixup(mixup: 0, cutmix: 0, smoothing: 0.3),
            try Mixup(mixup: 1, cutmix: 1, probability: 0, smoothing: 0.3),
        ] {
            let mixed = try mixup.mixed(batch, classes: 3, seed: 0, epoch: 0, number: 0)
            #expect(mixed.images == batch.images && mixed.maps == batch.maps)
            #expect(try #require(mixed.targets)[0..<3].elementsEqual([0.8, 0.1, 0.1]) { abs($0 - $1) < 1e-6 })
        }
    }

    @Test(arguments: [0.2, 0.8, 1, 3])
    func sharesFollowTheBetaDistribution(alpha: Double) throws {
        let batch = try batch()
        let mixup = try Mixup(mixup: alpha, cutmix: 0)
        let shares = try (0..<4000).map { number in
            1 - Double(try mixup.mixed(batch, classes: 3, seed: 11, epoch: 0, number: number).images[0]) / 5
        }
        let mean = shares.reduce(0, +) / 4000
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
        // Mean 1/2 and variance 1/(4 (2 alpha + 1)); five deviations of the estimates are within these bounds.
        #expect(abs(mean - 0.5) < 0.035)
        #expect(abs(variance / (1 / (4 * (2 * alpha + 1))) - 1) < 0.12)
    }

    @Test func argumentsAreChecked() {
        let error = expectError(.invalidArgument) { _ = try Mixup(mixup: -1, cutmix: 0) }
        #expect(error?.description == "mixup is -1.0. Give a number from 0 on; 0 switches it off.")
        expectError(.invalidArgument) { _ = try Mixup(mixup: 0, cutmix: .nan) }
        expectError(.invalidArgument) { _ = try Mixup(mixup: 1, cutmix: 0, probability: 1.5) }
        expectError(.invalidArgument) { _ = try Mixup(mixup: 1, cutmix: 0, smoothing: -0.1) }
    }

    @Test func aClassThatIsNoneIsAnError() throws {
        let mixup = try Mixup(mixup: 1, cutmix: 0)
        let batch = try batch()
        for classes in [2, 0, -1] {
            let error = expectError(.invalidArgument) {
                _ = try mixup.mixed(batch, classes: classes, seed: 0, epoch: 0, number: 0)
            }
            #expect(error?.message.hasSuffix("is to be mixed among \(classes) classes") == true)
        }
    }
}
