import Apus
import Foundation
import MSMAE
import Testing

/// What MSMAE's released code does to images and maps before a step.
@Suite struct ReleasedDataTests {
    private let map = try! AttentionMap(grid: 4, values: (0..<16).map { Float($0 * $0 % 13) })

    /// Recorded from torch: a slice of the map, resized to 16 x 16 (bilinear), its patches averaged.
    @Test func theReleasedCropTakesTheTopLeftCells() throws {
        let map = try AttentionMap(grid: 4, values: map.values.map { $0 / 16 })
        func released(_ top: Int, _ left: Int, _ height: Int, _ width: Int, flipped: Bool = false) throws -> [Float] {
            let part = try NormalizedRect(
                left: Double(left) / 64, top: Double(top) / 48, width: Double(width) / 64, height: Double(height) / 48)
            return map.croppedAsReleased(to: part, pixels: 16, flipped: flipped)
        }
        let inside: [Float] = [
            0, 0.015625, 0.046875, 0.0625, 0.046875, 0.09375, 0.1875, 0.234375, 0.140625, 0.25, 0.46875, 0.578125,
            0.1875, 0.328125,
            0.609375, 0.75,
        ]
        let atTheEdges: [Float] = [
            0.010529, 0.058594, 0.15509, 0.257801, 0.131836, 0.351562, 0.489258, 0.48468, 0.403931, 0.486328, 0.5625,
            0.599121, 0.707771,
            0.403931, 0.342773, 0.551056,
        ]
        #expect(try zip(released(3, 5, 20, 30), inside).allSatisfy { abs($0 - $1) < 2e-6 })
        #expect(try zip(released(10, 34, 38, 30), atTheEdges).allSatisfy { abs($0 - $1) < 2e-6 })
        let mirrored = stride(from: 0, to: 16, by: 4).flatMap { inside[$0..<$0 + 4].reversed() }
        #expect(try zip(released(3, 5, 20, 30, flipped: true), mirrored).allSatisfy { abs($0 - $1) < 2e-6 })
    }

    @Test func releasedMapsStayInTheCorner() throws {
        let folder = try ScratchFolder()
        for index in 0..<11 {
            let (width, height) = (20 + index, 34 - index)
            let image = try RGBImage(
                width: width, height: height, pixels: (0..<3 * width * height).map { UInt8($0 * 7 % 256) })
            try FileManager.default.createDirectory(
                atPath: folder.file(index < 6 ? "a" : "b"), withIntermediateDirectories: true)
            try image.writePNG(to: folder.file("\(index < 6 ? "a" : "b")/\(10 + index).png"))
        }
        // Weight in the top left cells only: cropped as released, every image has some; cropped right, most have none.
        let maps = (0..<11).flatMap { _ in (0..<64).map { Float($0 < 16 && $0 % 8 < 2 ? 1 : 0) } }
        func weighted(_ crop: MapCrop) throws -> Int {
            let loader = try ImageLoader(
                folder: ImageFolder(root: folder.path), batchSize: 4, imageSize: 16,
                augmentation: .training(crop: RandomCrop(scale: 0.2...0.3), maps: crop), seed: 5, mapGrid: 8)
            let batches = try loader.epoch(0, maps: maps, dropLast: false)
            var count = 0
            while let batch = try batches.next() {
                count += (0..<batch.count).count { batch.maps![$0 * 64..<($0 + 1) * 64].contains { $0 > 0.1 } }
            }
            return count
        }
        #expect(try weighted(.released) == 11)
        #expect(try weighted(.region) < 11)
    }

    @Test func theReleasedSegmentationScalesTwiceAndSwapsPlanes() throws {
        let image = try RGBImage(width: 1, height: 1, pixels: [255, 0, 51])
        let seen = image.normalized(.releasedSegmentation)
        // Blue with red's numbers first, as OpenCV's order meets them.
        let expected: [Float] = [(0.2 - 0.485) / 0.229 / 255, (0 - 0.456) / 0.224 / 255, (1 - 0.406) / 0.225 / 255]
        #expect(zip(seen, expected).allSatisfy { abs($0 - $1) < 1e-8 })
    }
}
