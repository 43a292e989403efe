import ApusData
import Foundation
import Testing

@Suite struct PhantomTests {
    @Test func theSameSeedGivesTheSameBytes() throws {
        let folder = try TemporaryFolder()
        for (name, seed, threads) in [("one", 3, 1), ("two", 3, 4), ("other", 4, 2)] {
            try PhantomDataSet.write(
                to: "\(folder.path)/\(name)", classes: 3, train: 7, validation: 4, size: 40, seed: UInt64(seed),
                threads: threads)
        }
        func bytes(_ set: String, _ name: String) -> Data? {
            FileManager.default.contents(atPath: "\(folder.path)/\(set)/\(name)")
        }
        let names = try #require(FileManager.default.subpaths(atPath: "\(folder.path)/one"))
            .filter { $0.hasSuffix("png") }
        #expect(
            names.sorted() == [
                "train/cyst/0000.png", "train/cyst/0001.png", "train/nodule/0000.png", "train/nodule/0001.png",
                "train/nodule/0002.png", "train/spiculated/0000.png", "train/spiculated/0001.png",
                "val/cyst/0000.png", "val/nodule/0000.png", "val/nodule/0001.png", "val/spiculated/0000.png",
            ])
        for name in names {
            #expect(bytes("one", name) == bytes("two", name))
            #expect(bytes("one", name) != bytes("other", name))
        }
        #expect(Set(names.map { bytes("one", $0) }).count == names.count)
    }

    @Test func imagesAreGreyAndClassesAreEquallyBright() throws {
        let folder = try TemporaryFolder()
        try PhantomDataSet.write(to: folder.path, classes: 6, train: 180, validation: 6, size: 64)
        let images = try ImageFolder(root: "\(folder.path)/train")
        #expect(images.classes == PhantomDataSet.classNames.sorted())
        var means = [[Double]](repeating: [], count: 6)
        for item in images.items {
            let image = try ImageDecoder().decode(path: item.path)
            #expect(image.width == 64 && image.height == 64)
            let grey = stride(from: 0, to: image.pixels.count, by: 3).map { Double(image.pixels[$0]) }
            means[Int(item.label)].append(grey.reduce(0, +) / Double(grey.count))
        }
        // Images of a class differ by about 7 levels, so that a mean of 30 of them is known to about 1.3.
        let classMeans = means.map { $0.reduce(0, +) / Double($0.count) }
        #expect((50...95).contains(classMeans[0]))
        #expect(classMeans.max()! - classMeans.min()! < 5)
    }

    @Test func argumentsAreChecked() throws {
        let folder = try TemporaryFolder()
        expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, classes: 1) }
        let error = expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, classes: 7) }
        #expect(error?.description == "7 classes. Choose 2 to 6 classes.")
        expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, size: 8) }
        expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, train: 3) }
        expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, validation: 0) }
        expectError(.invalidArgument) { try PhantomDataSet.write(to: folder.path, threads: 0) }
        #expect(try folder.content() == [])
    }

    @Test func aFolderWithContentIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        try folder.write("thesis.txt", [1])
        let error = expectError(.folderNotEmpty) { try PhantomDataSet.write(to: folder.path) }
        #expect(error?.path == folder.path)
        let file = try folder.write("file", [1])
        expectError(.fileUnwritable) { try PhantomDataSet.write(to: "\(file)/set") }
        #expect(try folder.content() == ["file", "thesis.txt"])
    }

    /// A new folder, and one that was there: what is not complete lies beside the one and in the other.
    @Test(arguments: ["", "/set"]) func aSetThatIsStoppedLeavesNothing(name: String) throws {
        let folder = try TemporaryFolder(), set = folder.path + name
        var asked = 0
        let error = expectError(.interrupted) {
            try PhantomDataSet.write(to: set, train: 8, validation: 4, size: 32) {
                asked += 1
                return asked == 10
            }
        }
        #expect(
            error?.description == "\(set): stopped before it was complete. "
                + "Nothing of it is left; the same call begins anew.")
        #expect(try folder.content().isEmpty)
        // What a killed process has left does not matter.
        try folder.write(name.isEmpty ? ".partial/train/old.png" : ".set.partial/train/old.png", [1])
        try PhantomDataSet.write(to: set, train: 8, validation: 4, size: 32)
        #expect(try FileManager.default.contentsOfDirectory(atPath: set).sorted() == ["train", "val"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == (name.isEmpty ? 2 : 1))
    }
}
