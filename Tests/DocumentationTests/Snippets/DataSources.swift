import Apus
import Foundation
import Testing

/// A data set that tells a page's reader nothing: images of two classes, and a text, in a folder of their own.
private struct Samples {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (set, kind) in [("train", "cats"), ("train", "dogs"), ("test", "cats"), ("test", "dogs")] {
            try Folders.make("\(folder.path)/pets/\(set)/\(kind)")
            let pixels = [UInt8](repeating: kind == "cats" ? 40 : 200, count: 3 * 70 * 80)
            try RGBImage(width: 80, height: 70, pixels: pixels)
                .writePNG(to: "\(folder.path)/pets/\(set)/\(kind)/0.png")
        }
        try String(repeating: "To be, or not to be. ", count: 20)
            .write(toFile: "\(folder.path)/book.txt", atomically: true, encoding: .utf8)
    }
}

/// The data sources of FromPyTorch.md's table and of comments. Paths are those of a reader's folder: the functions and
/// values that are called as types are look for them in a temporary one.
@Suite struct DataSources {
    @Test func imageFolders() throws {
        let samples = try Samples()
        func ImageFolderData(
            _ root: String, size: Int, augmentation: Augmentation = .training(), imageCache: Apus.ImageCache? = nil
        ) throws -> Apus.ImageFolderData {
            try Apus.ImageFolderData(
                "\(samples.folder.path)/\(root)", size: size, augmentation: augmentation, imageCache: imageCache)
        }
        func ImageCache(folder: String) -> Apus.ImageCache {
            Apus.ImageCache(folder: "\(samples.folder.path)/\(folder)")
        }
        do {
            // Shown in Sources/Apus/ImageFolderData.swift
            let data = try ImageFolderData("pets/train", size: 64)
            let test = try ImageFolderData("pets/test", size: 64, augmentation: .evaluation)
            // Until here
            #expect(data.count == 2 && test.classes == ["cats", "dogs"])
        }
        let data = try ImageFolderData("pets/train", size: 224)
        #expect(try data.batch([0, 1], epoch: 0)["images"]?.type.shape == [2, 3, 224, 224])  // batch(_:epoch:)
        let kept = try ImageFolderData("pets/train", size: 224, imageCache: ImageCache(folder: "cache"))
        #expect(try kept.batch([0, 1], epoch: 0) == data.batch([0, 1], epoch: 0))
    }

    @Test func texts() throws {
        let samples = try Samples(), TextFile = Reader(folder: samples.folder.path)
        // Shown in Sources/Apus/TextData.swift
        let text = try TextFile.read("book.txt"), vocabulary = Vocabulary(charactersOf: text)
        let data = try TextData(vocabulary.tokens(of: text), context: 64, randomStarts: 0)
        // Until here
        #expect(data.count > 1 && vocabulary.count == 10)
        let bytes: Vocabulary = .bytes
        #expect(bytes.count == 256)
    }

    private struct Reader {
        let folder: String
        func read(_ path: String) throws -> String { try TextFile.read("\(folder)/\(path)") }
    }

    @Test func arrays() throws {
        let folder = try TemporaryFolder(), path = "\(folder.path)/train.npz"
        let images = try TensorData([1, 2, 3, 4], shape: [2, 2]), labels = try TensorData([0, 1])
        let x = images
        try NPZFile.write(["x": x], to: path)
        try NPZFile.write(["images": images, "labels": labels], to: path, compressed: true)
        let read = try NPZFile(contentsOf: path).tensor("images")  // NPZFile(contentsOf:)
        #expect(read == images)
        let data = try ArrayData(["images": images, "labels": labels])
        do {
            func ArrayData(contentsOf name: String) throws -> Apus.ArrayData {
                try Apus.ArrayData(contentsOf: "\(folder.path)/\(name)")
            }
            #expect(try ArrayData(contentsOf: "train.npz").tensors == data.tensors)
        }
    }

    @Test func plateaus() throws {
        let schedule: LearningRateSchedule = .plateau(PlateauSchedule(base: 0.1, factor: 0.5, patience: 3))
        #expect(schedule.rate(atEpoch: 0) == 0.1)
    }
}
