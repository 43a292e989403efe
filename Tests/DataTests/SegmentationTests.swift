import ApusData
import Foundation
import Testing

@Suite struct SegmentationTests {
    private let folder = try! TemporaryFolder()

    /// Five images of different sizes, each with masks of the classes `cyst` and `nodule`.
    private func makeSet() throws {
        for index in 0..<5 {
            let (width, height) = (20 + index, 34 - index)
            try folder.write("images/\(index).png", randomImage(width, height, seed: UInt64(index)).pngData())
            for (number, name) in ["cyst", "nodule"].enumerated() {
                try folder.write("masks/\(name)/\(index).png", mask(width, height, UInt64(10 * number + index)))
            }
        }
    }

    private func mask(_ width: Int, _ height: Int, _ seed: UInt64, white: UInt8 = 255) throws -> [UInt8] {
        var random = CounterRandom(seed: seed, purpose: .init(rawValue: 100))
        return try GreyImage(
            width: width, height: height, pixels: (0..<width * height).map { _ in random.uniform() < 0.5 ? white : 0 }
        ).pngData()
    }

    private func loader(
        _ augmentation: SegmentationAugmentation, batchSize: Int = 2, threads: Int = 2, cacheBytes: Int = 1 << 20
    ) throws -> SegmentationLoader {
        try SegmentationLoader(
            folder: SegmentationFolder(root: folder.path), batchSize: batchSize, imageSize: 16,
            augmentation: augmentation, seed: 3,
            threads: threads, cacheBytes: cacheBytes)
    }

    private func all(_ batches: SegmentationBatches) throws -> [SegmentationBatch] {
        var result: [SegmentationBatch] = []
        while let batch = try batches.next() { result.append(batch) }
        return result
    }

    @Test func imagesAndMasksBelongTogetherByStem() throws {
        for name in [
            "images/b.JPG", "images/a.png", "images/notes.txt", "masks/1/a.PNG", "masks/1/b.png", "masks/0/b.png",
            "masks/0/a.png",
        ] {
            try folder.write(name, [0])
        }
        let set = try SegmentationFolder(root: folder.path)
        #expect(set.classes == ["0", "1"])
        func below(_ path: String) -> String { String(path.dropFirst(folder.path.count + 1)) }
        #expect(set.items.map { below($0.image) } == ["images/a.png", "images/b.JPG"])
        #expect(
            set.items.map { $0.masks.map(below) } == [
                ["masks/0/a.png", "masks/1/a.PNG"], ["masks/0/b.png", "masks/1/b.png"],
            ])
    }

    @Test func whatIsMissingIsNamed() throws {
        func error(_ code: DataError.Code) -> String? {
            expectError(code) { _ = try SegmentationFolder(root: folder.path) }?.description.replacingOccurrences(
                of: folder.path, with: "DIR")
        }
        #expect(
            error(.folderMissing)
                == "DIR/images: there is no such folder. Give a folder that holds images/ and, for each class, masks/CLASS/."
        )
        try folder.write("images/notes.txt", [0])
        #expect(error(.folderMissing)?.hasPrefix("DIR/masks: ") == true)
        try folder.write("masks/loose.png", [0])
        #expect(
            error(.noClasses) == "DIR/masks: the folder holds no class folders. "
                + "Put the masks into one subfolder for each class, also if there is only one class.")
        try folder.write("masks/0/a.png", [0])
        let only = "the folder holds no images, only notes.txt. Put images there: PNG, JPEG, TIFF, BMP, WebP or DICOM."
        #expect(error(.noImages) == "DIR/images: \(only)")
        for name in ["a", "b", "c"] { try folder.write("images/\(name).png", [0]) }
        #expect(
            error(.maskMissing) == "DIR/images/b.png: the image has no mask of the class '0', as 1 more of them. "
                + "Add the mask (a black one where the class does not occur), or remove the image.")
        for name in ["b", "c", "d"] { try folder.write("masks/0/\(name).png", [0]) }
        #expect(
            error(.imageMissing)
                == "DIR/masks/0/d.png: the mask has no image. Add an image of the same name to images/, or remove the mask."
        )
        try folder.write("images/a.jpg", [0])
        #expect(
            error(.ambiguousName) == "DIR/images/a.png: there is also a.jpg. "
                + "Keep one file of that name, since images and masks belong together by name.")
    }

    @Test func masksThatCannotBeUsedAreFoundAtOnce() throws {
        try makeSet()
        func error(_ code: DataError.Code) -> String? {
            expectError(code) { _ = try loader(.evaluation) }?.description.replacingOccurrences(
                of: folder.path, with: "DIR")
        }
        try folder.write("masks/nodule/3.png", mask(9, 8, 0))
        #expect(
            error(.maskSizeDiffers) == "DIR/masks/nodule/3.png: the mask has 9 x 8 pixels and its image 23 x 31. "
                + "Export the mask at the size of its image.")
        try folder.write("masks/nodule/3.png", mask(23, 31, 0, white: 128))
        #expect(
            error(.greyMask) == "DIR/masks/nodule/3.png: the mask has grey values, such as 128. "
                + "Make every pixel black (0) or white (255), and store the mask as PNG, since JPEG blurs edges.")
        try folder.write("masks/nodule/3.png", randomImage(23, 31).pngData())
        #expect(error(.greyMask)?.contains("3.png: the mask has colours. ") == true)
        try folder.write("masks/nodule/3.png", [1, 2])
        #expect(error(.unknownFormat)?.hasPrefix("DIR/masks/nodule/3.png: ") == true)
        try folder.write("masks/nodule/3.png", mask(23, 31, 0, white: 1))
        #expect(throws: Never.self) { try loader(.evaluation) }
        try folder.write("images/3.png", [0x89])
        #expect(error(.unknownFormat)?.hasPrefix("DIR/images/3.png: ") == true)
    }

    @Test func evaluationShowsEverythingInOrder() throws {
        try makeSet()
        let batches = try all(loader(.evaluation).epoch(4, dropLast: false))
        #expect(batches.map(\.indices) == [[0, 1], [2, 3], [4]])
        for index in 0..<5 {
            let batch = batches[index / 2], place = index % 2
            let image = try ImageDecoder().decode(path: "\(folder.path)/images/\(index).png")
            let expected = try image.resized(width: 16, height: 16, filter: .bilinear).normalized()
            #expect(Array(batch.images[place * 768..<(place + 1) * 768]) == expected)
            for (channel, name) in ["cyst", "nodule"].enumerated() {
                let mask = try ImageDecoder().decode(path: "\(folder.path)/masks/\(name)/\(index).png")
                for y in 0..<16 {
                    for x in 0..<16 {
                        // The pixel below the centre of the new one.
                        let (row, column) = ((2 * y + 1) * mask.height / 32, (2 * x + 1) * mask.width / 32)
                        let expected: Float = mask.pixels[(row * mask.width + column) * 3] == 255 ? 1 : 0
                        #expect(batch.masks[((place * 2 + channel) * 16 + y) * 16 + x] == expected)
                    }
                }
            }
        }
        let last = batches[2].padded(to: 2)
        #expect(
            last.count == 1 && last.images.elementsEqual(Array(batches[2].images) + Array(batches[2].images))
                && last.masks.elementsEqual(Array(batches[2].masks) + Array(batches[2].masks)))
    }

    @Test func trainingTurnsImageAndMasksTogether() throws {
        // The image is its own mask: white where the mask is.
        for index in 0..<12 {
            let bytes = try mask(16, 16, UInt64(index))
            for place in ["images", "masks/0"] { try folder.write("\(place)/\(index).png", bytes) }
        }
        let plain = try all(loader(.evaluation, batchSize: 12).epoch(0, dropLast: true))[0]
        var turned = 0
        for epoch in 0..<4 {
            let batch = try all(loader(.training, batchSize: 12).epoch(epoch, dropLast: true))[0]
            #expect(batch.indices.sorted() == Array(0..<12))
            for (place, index) in batch.indices.enumerated() {
                let mask = Array(batch.masks[place * 256..<(place + 1) * 256])
                let seen: [Float] = batch.images[place * 768..<place * 768 + 256].map { $0 > 0 ? 1 : 0 }
                #expect(seen == mask)
                let original =
                    plain.indices.firstIndex(of: index).map { Array(plain.masks[$0 * 256..<($0 + 1) * 256]) } ?? []
                let quarter: [Float] = (0..<256).map { (place: Int) -> Float in
                    original[place % 16 * 16 + 15 - place / 16]
                }
                let half: [Float] = original.reversed(), last: [Float] = quarter.reversed()
                #expect([original, quarter, half, last].contains(mask))
                turned += mask == original ? 0 : 1
            }
        }
        // Three of eight on average, of 48: from 5 to 31 is five deviations.
        #expect((5...31).contains(turned))
    }

    @Test func batchesDependOnNothingElse() throws {
        try makeSet()
        let expected = try all(loader(.training, threads: 1).epoch(2, dropLast: false))
        #expect(expected.map(\.count) == [2, 2, 1])
        for (threads, bytes) in [(3, 0), (2, 3000)] {
            #expect(
                try all(loader(.training, threads: threads, cacheBytes: bytes).epoch(2, dropLast: false)) == expected)
        }
        #expect(try all(loader(.training).epoch(2, startingAtBatch: 1, dropLast: false)) == Array(expected[1...]))
        #expect(try all(loader(.training).epoch(3, dropLast: false)) != expected)
        expectError(.batchTooLarge) { _ = try loader(.training, batchSize: 6) }
        expectError(.invalidArgument) { _ = try loader(.training).epoch(0, startingAtBatch: 4, dropLast: false) }
    }

    @Test func phantomsComeWithTheirLesions() throws {
        let (masked, plain) = ("\(folder.path)/masked", "\(folder.path)/plain")
        try PhantomDataSet.write(to: masked, layout: .masks, classes: 6, train: 6, validation: 6, size: 64, seed: 2)
        try PhantomDataSet.write(to: plain, classes: 6, train: 6, validation: 6, size: 64, seed: 2)
        for part in ["train", "val"] {
            let set = try SegmentationFolder(root: "\(masked)/\(part)")
            #expect(set.classes == ["lesion"] && set.items.count == 6)
            for item in set.items {
                let mask = try Mask(path: item.masks[0])
                let share = Double(mask.values.reduce(0) { $0 + Int($1) }) / 4096
                // Radii are 0.085 to 0.125 of the side.
                #expect((0.02...0.051).contains(share))
                let kind = (item.image as NSString).lastPathComponent.split(separator: "-")[0]
                #expect(
                    FileManager.default.contents(atPath: item.image)
                        == FileManager.default.contents(atPath: "\(plain)/\(part)/\(kind)/0000.png"))
            }
        }
    }
}
