import Apus
import Foundation
import Testing

@Suite struct ImageFolderDataTests {
    private let folder = TemporaryFolder()

    /// A folder with six images of each class, dark ones and bright ones, each of another brightness.
    private func images(_ name: String = "data", from first: Int = 0) throws -> String {
        for (label, kind) in ["bright", "dark"].enumerated() {
            try Folders.make("\(folder.path)/\(name)/\(kind)")
            for number in 0..<6 {
                let level = UInt8((label == 0 ? 150 : 10) + 10 * number)
                let pixels = (0..<20 * 16).flatMap { [level, UInt8($0 % 7), level] }
                try RGBImage(width: 20, height: 16, pixels: pixels)
                    .writePNG(to: "\(folder.path)/\(name)/\(kind)/\(first + number).png")
            }
        }
        return "\(folder.path)/\(name)"
    }

    @Test func imagesAndTheirClasses() throws {
        let root = try images(), data = try ImageFolderData(root, size: 8, augmentation: .wholeImage)
        #expect(data.count == 12 && data.classes == ["bright", "dark"] && data.skipped.isEmpty)
        #expect(data.labels == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
        let batch = try data.batch([7, 0], epoch: 0)
        let pixels = try #require(batch["images"])
        #expect(pixels.type.shape == [2, 3, 8, 8] && batch["labels"]?.integers == [1, 0])
        // Red is even: (level / 255 - mean) / deviation.
        let expected = [20, 150].map { (Float($0) / 255 - 0.485) / 0.229 }
        #expect(abs(pixels.floats[0] - expected[0]) < 1e-6 && abs(pixels.floats[3 * 64] - expected[1]) < 1e-6)
        #expect(data.name(of: 7) == root + "/dark/1.png")
    }

    /// What is seen of an image follows from image and epoch alone.
    @Test func cropsFollowFromImageAndEpoch() throws {
        let root = try images()
        let data = try ImageFolderData(root, size: 8, seed: 5),
            other = try ImageFolderData(root, size: 8, seed: 5, threads: 1)
        let batch = try data.batch([3, 8, 1], epoch: 2), pixels = batch["images"]?.floats ?? []
        #expect(try other.batch([8], epoch: 2)["images"]?.floats == Array(pixels[192..<384]))
        #expect(try other.batch([8], epoch: 3)["images"]?.floats != Array(pixels[192..<384]))
        #expect(
            try ImageFolderData(root, size: 8, seed: 6).batch([8], epoch: 2)["images"]?.floats
                != Array(pixels[192..<384]))
    }

    private func step(_ batch: Int) -> TrainingStep {
        TrainingStep("shades", optimizer: .adamW(learningRate: 0.01)) {
            let labels = Input("labels", [batch], .int32)
            let logits = Sequential {
                Conv2D(3, 4, kernel: 3)
                GlobalAveragePool()
                Linear(4, 2)
            }(Input("images", [batch, 3, 8, 8]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    /// Trained with crops and validated without, a run that was stopped ends like one that was not.
    @Test func trainsOnAFolder() throws {
        let root = try images()
        var settings = Circle.settings(epochs: 8)
        settings.loaderThreads = 2
        func train(_ name: String, _ root: String, resuming: Bool = false, until last: Int = .max) throws -> FitResult {
            try fit(
                step(4), ImageFolderData(root, size: 8), in: folder.file(name), settings: settings, resuming: resuming,
                output: .silent
            ) { $0 >= last }
        }
        let whole = try train("whole", root)
        #expect(whole.isFinished && (whole.means["accuracy"] ?? 0) > 0.7)
        #expect(try !train("parts", root, until: 10).isFinished)
        // Where the folder has moved, the run goes on; with other images it does not.
        let moved = folder.file("moved")
        try FileManager.default.moveItem(atPath: root, toPath: moved)
        #expect(try haveSameBits(train("parts", moved, resuming: true).state, whole.state))
        let others = try images("others", from: 1)
        let error = #expect(throws: FitError.self) { try train("parts", others, resuming: true) }
        #expect(error?.description.hasPrefix("the run was started on 12 images (") == true)
    }

    @Test func imagesThatCannotBeReadAreNamed() throws {
        let root = try images()
        _ = folder.write(Array("no image".utf8), to: "data/dark/3.png")
        let data = try ImageFolderData(root, size: 8)
        let error = #expect(throws: DataError.self) { try data.batch([2, 9], epoch: 0) }
        #expect(error?.path == root + "/dark/3.png")
        #expect(
            message { _ = try fit(step(4), data, in: folder.file("run"), output: .silent) }.contains("dark/3.png"))
        let skipping = try ImageFolderData(root, size: 8, skipUnreadable: true)
        #expect(skipping.count == 11 && skipping.skipped.map(\.path) == [root + "/dark/3.png"])
        for places in [[], [-1], [12]] {
            #expect(throws: DataError.self) { try data.batch(places, epoch: 0) }
        }
        #expect(throws: DataError.self) { try ImageFolderData(folder.file("absent"), size: 8) }
        #expect(throws: DataError.self) { try ImageFolderData(root, size: 0) }
    }
}
