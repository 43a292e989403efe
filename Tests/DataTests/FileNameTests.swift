import ApusData
import ApusFiles
import Foundation
import Testing

/// Names of files are bytes: all of them are read, and none is taken for another.
@Suite struct FileNameTests {
    private let folder = try! TemporaryFolder()
    /// `ü` as one letter, and as `u` with two points.
    private static let composed = "M\u{FC}ller", decomposed = "Mu\u{308}ller"

    @Test(arguments: [
        ("Mueller.png", "Mueller.png"), ("M\u{FC}ller", "M\u{FC}ller"), ("胸部🫁\n\t\"", "胸部🫁\n\t\""),
        ("a\\b.png", "a\\b.png"), ("\\", "\\"), ("", ""), ("\\xfc \\x41 \\xF", "\\xfc \\x41 \\xF"),
        // What looks like an escape.
        ("\\xFC", "\\x5CxFC"), ("\\\\xFC", "\\\\x5CxFC"), ("\\x5C", "\\x5Cx5C"),
    ])
    func namesInUTF8AreTheirOwnText(name: String, text: String) {
        #expect(String(nameBytes: Array(name.utf8)).unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(text.nameBytes == Array(name.utf8))
    }

    @Test(
        arguments: [
            ([0x4D, 0xFC, 0x6C], "M\\xFCl"), ([0xE4], "\\xE4"), ([0x80, 0xFF, 0xC0], "\\x80\\xFF\\xC0"),
            // Halves of letters, a surrogate, and one letter in too many bytes.
            ([0xC3, 0xA4, 0xC3], "\u{E4}\\xC3"), ([0xED, 0xA0, 0x80], "\\xED\\xA0\\x80"), ([0xC1, 0x81], "\\xC1\\x81"),
            ([0x5C, 0x78, 0xFC], "\\x\\xFC"), ([0x5C, 0xFC], "\\\\xFC"),
        ] as [([UInt8], String)])
    func otherBytesAreWrittenAsNumbers(bytes: [UInt8], text: String) {
        #expect(String(nameBytes: bytes) == text)
        #expect(text.nameBytes == bytes)
    }

    @Test func eachNameHasATextOfItsOwn() {
        // All short names of what matters here.
        let alphabet = Array("\\x5CF".utf8) + [0xFC, 0xC3, 0xA4]
        var names: [[UInt8]] = [[]], texts = Set<[UInt8]>()
        for _ in 0..<5 { names = names.flatMap { name in [name] + alphabet.map { name + [$0] } } }
        for name in Set(names) {
            let text = String(nameBytes: name)
            #expect(text.nameBytes == name)
            #expect(texts.insert(Array(text.utf8)).inserted)
        }
    }

    @Test func partsOfPaths() {
        let name = "a/b.c/\u{301}x.tar\\xFC.png"
        #expect(name.lastComponent.utf8.elementsEqual("\u{301}x.tar\\xFC.png".utf8))
        #expect(name.fileEnding == "png" && name.withoutFileEnding.utf8.elementsEqual("a/b.c/\u{301}x.tar\\xFC".utf8))
        #expect(name.below("a/b.c").utf8.elementsEqual(name.lastComponent.utf8) && name.below("b") == name)
        #expect([".png", "a/.png", "a.b/c", "c.", ""].map(\.fileEnding) == ["", "", "", "", ""])
        #expect(["a/b/", "/a", "a", "/", "a//b"].map(\.parentPath) == ["a", "/", ".", "/", "a"])
    }

    /// Writes a file whose name is any bytes.
    private func write(_ name: [UInt8], _ content: [UInt8]) throws {
        let path = folder.path + "/" + String(nameBytes: name)
        try Folders.make(path.parentPath)
        let file = open(path.systemName, O_WRONLY | O_CREAT, 0o666)
        try #require(file >= 0)
        defer { close(file) }
        #expect(Foundation.write(file, content, content.count) == content.count)
    }

    @Test func namesInLatin1AreReadAndShown() throws {
        let image = randomImage(4, 4)
        try write(Array("L".utf8) + [0xE4] + Array("sion/M".utf8) + [0xFC] + Array("ller.png".utf8), image.pngData())
        let set = try ImageFolder(root: folder.path)
        #expect(set.classes == ["L\\xE4sion"])
        #expect(set.items.map(\.path) == [folder.path + "/L\\xE4sion/M\\xFCller.png"])
        #expect(try ImageDecoder().decode(path: set.items[0].path) == image)
    }

    /// Two classes, each with two images, whose names differ only in how a letter is composed.
    private func writeTwins() throws -> [RGBImage] {
        let images = (0..<4).map { randomImage(8, 8, seed: $0) }
        for (number, image) in images.enumerated() {
            let names = [Self.decomposed, Self.composed]
            try folder.write("\(names[number / 2])/\(names[number % 2]).png", image.pngData())
        }
        return images
    }

    @Test func namesInOtherNormalFormsAreOtherImages() throws {
        let images = try writeTwins()
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 4, imageSize: 8, augmentation: .wholeImage, seed: 0,
            threads: 1)
        #expect(loader.classes.count == 2)
        // The second epoch takes what was kept in memory.
        for epoch in 0..<2 {
            let batch = try #require(try loader.epoch(epoch, dropLast: false).next())
            let expected = images.flatMap { $0.normalized(.imageNet) }
            #expect(batch.images.count == expected.count && zip(batch.images, expected).allSatisfy(==))
        }
    }

    @Test func aTwinOfABrokenImageIsNotSkipped() throws {
        _ = try writeTwins()
        try folder.write("\(Self.composed)/\(Self.composed).png", [1, 2, 3])
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 1, imageSize: 8, augmentation: .evaluation, seed: 0,
            threads: 1, skipUnreadable: true)
        #expect(loader.items.count == 3 && loader.skipped.count == 1)
    }

    @Test func masksBelongToTheVeryNameOfTheirImage() throws {
        for (number, name) in [Self.decomposed, Self.composed].enumerated() {
            try folder.write("images/\(name).png", randomImage(4 + number, 4).pngData())
            try folder.write(
                "masks/lesion/\(name).png",
                GreyImage(width: 4 + number, height: 4, pixels: .init(repeating: 255, count: 16 + 4 * number)).pngData()
            )
        }
        let loader = try SegmentationLoader(
            folder: SegmentationFolder(root: folder.path), batchSize: 1, imageSize: 8, augmentation: .evaluation,
            seed: 0, threads: 1)
        #expect(loader.items.count == 2)
        try folder.write("images/e\u{301}.png", [0])
        try folder.write("masks/lesion/\u{E9}.png", [0])
        expectError(.maskMissing) { _ = try SegmentationFolder(root: folder.path) }
    }

    @Test func aSplitKeepsAllNames() throws {
        _ = try writeTwins()
        let source = try TemporaryFolder()
        try Folders.make(source.path + "/in")
        try FileManager.default.moveItem(
            atPath: folder.path + "/" + Self.composed, toPath: source.path + "/in/" + Self.composed)
        try FileManager.default.moveItem(
            atPath: folder.path + "/" + Self.decomposed, toPath: source.path + "/in/" + Self.decomposed)
        let split = try DataSplit([source.path + "/in"], parts: [.init("train", 0.5), .init("val", 0.5)])
        try split.write(to: source.path + "/out", by: .copy)
        var names: [String] = []
        for part in ["train", "val"] {
            let set = try ImageFolder(root: source.path + "/out/" + part)
            #expect(set.classes.count == 2)
            names += set.items.map { $0.path.below("\(source.path)/out/\(part)") }
        }
        #expect(Set(names.map { Array($0.utf8) }).count == 4)
        let record = try String(contentsOfFile: source.path + "/out/split.json", encoding: .utf8)
        for name in [Self.composed, Self.decomposed] {
            #expect(Array(record.utf8).firstRange(of: Array("\"\(name)\"".utf8)) != nil)
        }
    }

    @Test func aSplitLinksToNamesThatAreNotUTF8() throws {
        for number in 0..<2 {
            try write(Array("in/a/\(number)".utf8) + [0xFC] + Array(".png".utf8), randomImage(4, 4).pngData())
        }
        let split = try DataSplit([folder.path + "/in"], parts: [.init("train", 0.5), .init("val", 0.5)])
        try split.write(to: folder.path + "/out", by: .link)
        for part in ["train", "val"] {
            let set = try ImageFolder(root: "\(folder.path)/out/\(part)")
            #expect(set.items[0].path.fileEnding == "png" && set.items[0].path.contains("\\xFC"))
            #expect(try ImageDecoder().decode(path: set.items[0].path).width == 4)
        }
    }

    @Test func aNameOf255BytesCanBeWritten() throws {
        let path = folder.path + "/" + String(repeating: "x", count: 251) + ".png"
        try randomImage(4, 4).writePNG(to: path)
        #expect(try ImageDecoder().decode(path: path) == randomImage(4, 4))
    }

    @Test func aMessageIsOneLineWhateverTheNameIs() throws {
        let error = expectError(.fileUnreadable) {
            _ = try ImageDecoder().decode(path: "line\nbreak\u{1B}[2J\u{2028}.png")
        }
        #expect(error?.description.hasPrefix("line\\x0Abreak\\x1B[2J\\u{2028}.png: cannot be read") == true)
    }
}
