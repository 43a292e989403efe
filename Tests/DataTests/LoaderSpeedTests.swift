import ApusData
import ApusSystem
import Foundation
import Testing

/// The folder of classes whose images are loaded, and that of the cache.
private let folders = (
    images: ProcessInfo.processInfo.environment["APUS_IMAGES"],
    cache: ProcessInfo.processInfo.environment["APUS_IMAGE_CACHE"]
)

/// Images a second that a loader makes of APUS_IMAGES, for Docs/Performance.md; nothing is kept in memory.
@Suite(.serialized, .enabled(if: folders.images != nil)) struct LoaderSpeedTests {
    @Test(arguments: [nil, 448]) func imagesASecond(_ shorterSide: Int?) throws {
        let images = try #require(folders.images), cachePath = folders.cache ?? "\(images)-cache"
        for (name, augmentation) in [("crops", Augmentation.training()), ("validation", .evaluation)] {
            func pass(_ what: String, _ cache: ImageCache?) throws {
                let loader = try ImageLoader(
                    folder: ImageFolder(root: images), batchSize: 8, imageSize: 224, augmentation: augmentation,
                    seed: 1,
                    decoder: ImageDecoder(shorterSide: shorterSide), cacheBytes: 0, imageCache: cache)
                let start = Date(), batches = try loader.epoch(0, dropLast: false)
                var count = 0
                while let batch = try batches.next() { count += batch.count }
                let rate = String(format: "%.1f", Double(count) / Date().timeIntervalSince(start))
                print("\(name), shorter side \(shorterSide.map(String.init) ?? "whole"), \(what): \(rate) images/s")
            }
            for _ in 0..<2 { try pass("files", nil) }
            try pass("files, written to the cache", ImageCache(folder: cachePath))
            // Out of the system's memory, as after a restart.
            for entry in try CacheFiles(path: cachePath).entries {
                let file = open(entry, O_RDONLY)
                fsync(file)
                #if os(Linux)
                    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
                #endif
                close(file)
            }
            try pass("cache, from the disk", ImageCache(folder: cachePath))
            for _ in 0..<2 { try pass("cache, from the system's memory", ImageCache(folder: cachePath)) }
        }
    }
}
