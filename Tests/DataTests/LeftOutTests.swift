import ApusData
import Foundation
import Testing

/// What is no image is counted and named, and what is one is read wherever it lies.
@Suite struct LeftOutTests {
    private let folder = try! TemporaryFolder()

    private func names(_ set: ImageFolder) -> [String] {
        set.items.map { String($0.path.dropFirst(folder.path.count + 1)) }
    }

    @Test func imagesInFoldersInsideCountToTheirClass() throws {
        // The order is torchvision's: by folder, then by name.
        let images = ["a/z.png", "a/p1/x.png", "a/p1-b/1.png", "a/p1/deep/1.png", "a/p2/0.png", "b/1.png"]
        for name in images { try folder.write(name, [0]) }
        let set = try ImageFolder(root: folder.path)
        #expect(set.classes == ["a", "b"] && set.leftOut == nil)
        #expect(names(set) == images)
    }

    @Test func aLinkToAFolderAboveIsNotFollowedForEver() throws {
        try folder.write("a/x.png", [0])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/a/again", withDestinationPath: folder.path + "/a")
        try folder.write("store/y.png", [0])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/a/more", withDestinationPath: folder.path + "/store")
        #expect(try names(ImageFolder(root: folder.path)) == ["a/x.png", "a/more/y.png", "store/y.png"])
    }

    @Test func otherFilesAreCountedAndNamed() throws {
        for name in [
            "a/1.png", "a/2.gif", "a/deep/3.gif", "a/.hidden.png", "a/.DS_Store", "a/.git/4.png", "b/5.png", "b/none",
            "readme.txt", "6.png", ".notes",
        ] { try folder.write(name, [0]) }
        let leftOut = try #require(try ImageFolder(root: folder.path, extensions: ["png"]).leftOut)
        #expect(leftOut.names == ["6.png", "readme.txt", "a/.hidden.png", "a/2.gif", "a/deep/3.gif", "b/none"])
        #expect(
            leftOut.description
                == "left out 6 of 8 files in \(folder.path): 6 not read as images (.png in a class's folder): "
                + "6.png, readme.txt, a/.hidden.png, a/2.gif, a/deep/3.gif, …")
    }

    @Test func aClassOfOtherFilesSaysWhatIsThere() throws {
        try folder.write("a/1.png", [0])
        for number in 0..<7 { try folder.write("b/scan\(number).mha", [0]) }
        let error = expectError(.emptyClass) { _ = try ImageFolder(root: folder.path) }
        #expect(
            error?.message
                == "the class 'b' has no readable image, only scan0.mha, scan1.mha, scan2.mha, scan3.mha, scan4.mha, …")
    }

    @Test func masksBesideTheirImagesAreLeftOut() throws {
        for name in ["a/1.png", "a/1_mask.png", "a/1_mask_2.png", "a/2_mask.png", "a/p/1_mask.png", "a/gas_mask.jpg"] {
            try folder.write(name, [0])
        }
        let set = try ImageFolder(root: folder.path)
        #expect(names(set) == ["a/1.png", "a/2_mask.png", "a/gas_mask.jpg", "a/p/1_mask.png"])
        #expect(set.leftOut?.masks == ["a/1_mask.png", "a/1_mask_2.png"])
        #expect(
            set.leftOut?.description
                == "left out 2 of 6 files in \(folder.path): 2 named as masks of the images beside them: "
                + "a/1_mask.png, a/1_mask_2.png")
    }

    @Test func ofASegmentationTooNothingIsSilent() throws {
        for name in ["images/p/1.png", "masks/m/p/1.png", "images/2.gif", "masks/m/3.txt", "masks/4", "5"] {
            try folder.write(name, [0])
        }
        let set = try SegmentationFolder(root: folder.path)
        #expect(set.items.map { $0.masks.map { $0.dropFirst(folder.path.count + 1) } } == [["masks/m/p/1.png"]])
        #expect(set.leftOut?.names == ["images/2.gif", "masks/m/3.txt", "5", "masks/4"])
        #expect(set.leftOut?.fileCount == 6)
    }

    /// A grey PNG of 16 bits, 1 x 1, and one of 8 bits.
    private static let deep = Array(
        Data(
            base64Encoded:
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABEAAAAABq7kcWAAAAC0lEQVR4nGMQMgEAAFsAR5b7G2UAAAAASUVORK5CYII=")!)

    @Test func bitsThatAreDroppedAreSaid() throws {
        try folder.write("a/1.png", Self.deep)
        try folder.write("a/2.png", randomImage(1, 1).pngData())
        try folder.write("a/3.tif", SampleImage.named("TIFF grey 16-bit").file)
        try folder.write("a/4.tif", SampleImage.named("TIFF RGB 16-bit, big endian").file)
        let set = try ImageFolder(root: folder.path)
        func loader(_ decoder: ImageDecoder) throws -> ImageLoader {
            try ImageLoader(
                folder: set, batchSize: 1, imageSize: 8, augmentation: .evaluation, seed: 0, threads: 1,
                decoder: decoder)
        }
        #expect(
            try loader(ImageDecoder()).remarks == [
                "2 of 4 images in \(folder.path) are grey with 16 bits, of which the lower 8 are dropped, such as a/1.png; "
                    + "set a window of intensities (--window LOW,HIGH) to see them all"
            ])
        #expect(try loader(ImageDecoder(window: IntensityWindow(low: 0, high: 1))).remarks.isEmpty)
    }

    /// What an archive has named by its number, among files that are no images.
    @Test func dicomNeedsNoEnding() throws {
        let scan = DICOMFile(grey: [1, 2, 3, 4], width: 2, height: 2, stored: 12, []).bytes()
        try folder.write("a/IM0001", scan)
        try folder.write("a/1.2.840.7", scan)
        try folder.write("a/README", Array("no image".utf8))
        try folder.write("a/.IM0002", scan)
        let set = try ImageFolder(root: folder.path)
        #expect(set.items.map(\.path.lastComponent) == ["1.2.840.7", "IM0001"])
        #expect(set.leftOut?.names == ["a/README"])
        let only = try ImageFolder(root: folder.path, extensions: ["dcm", "png"]),
            none = try? ImageFolder(root: folder.path, extensions: ["png"])
        #expect(only.items.count == 2 && none == nil)
    }

    @Test func masksThatAreAllBlackAreSaid() throws {
        for (number, level) in [UInt8(0), 0, 255].enumerated() {
            let name = number == 0 ? "nowhere" : "somewhere"
            try folder.write("images/\(number).png", randomImage(2, 2).pngData())
            for kind in ["nowhere", "somewhere"] {
                let mask = try GreyImage(width: 2, height: 2, pixels: [0, kind == name ? level : 0, 0, 0])
                try folder.write("masks/\(kind)/\(number).png", mask.pngData())
            }
        }
        let loader = try SegmentationLoader(
            folder: SegmentationFolder(root: folder.path), batchSize: 1, imageSize: 8, augmentation: .evaluation,
            seed: 0, threads: 1)
        #expect(
            loader.remarks == [
                "all 3 masks in \(folder.path)/masks/nowhere are black: there is nothing to find of that class"
            ])
    }

    /// Black with a transparency of 0 and 255, 2 x 1: grey and RGB; and black that is opaque everywhere.
    @Test(arguments: [
        ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAQAAABeK7cBAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==", true),
        ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAADElEQVR4nGNggID/AAEIAQBNGY85AAAAAElFTkSuQmCC", true),
        ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAEUlEQVR4nGNkYGD4z8DAwAAABQ0BAeuprCUAAAAASUVORK5CYII=", false),
    ])
    func aMaskInTheTransparencyIsNamed(file: String, isRefused: Bool) throws {
        let path = try folder.write("mask.png", Array(Data(base64Encoded: file)!))
        guard isRefused else { return #expect(try Mask(path: path).values == [0, 0]) }
        let error = expectError(.greyMask) { _ = try Mask(path: path) }
        #expect(error?.message == "the mask is of one colour, and its shape lies in the transparency")
    }

    @Test func foldersAmongNamedImages() throws {
        for name in ["p/1.png", "p/deep/2.png", "p/3.gif", "q/4.txt", "5.png"] { try folder.write(name, [0]) }
        let path = folder.path
        let list = try ImageList(["\(path)/5.png", "\(path)/p/", "\(path)/none.png"])
        #expect(
            list.paths == ["\(path)/5.png", "\(path)/p/1.png", "\(path)/p/deep/2.png", "\(path)/none.png"])
        #expect(list.remarks.count == 1 && list.remarks[0].hasSuffix(": 3.gif"))
        #expect(
            expectError(.noImages) { _ = try ImageList([path + "/q"]) }?.message
                == "the folder holds no images, only 4.txt")
        expectError(.fileUnreadable) { _ = try ImageList([path + "/*.tif"]) }
        try folder.write("\\xFC.png", [0])
        #expect(try ImageList([path + "/\\xFC.png"]).paths == [path + "/\\x5CxFC.png"])
        try folder.write("what?.png", [0])
        #expect(try ImageList([path + "/what?.png"]).paths == [path + "/what?.png"])
    }
}
