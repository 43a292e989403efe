import Apus
import ApusTestSupport
import Foundation
import Testing

/// Batches on their way into a program: nothing is copied.
struct BatchTensorTests {
    /// A new folder of a few images.
    private func imageFolder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("batches-\(UUID())").path
        try PhantomDataSet.write(to: folder, classes: 2, train: 6, validation: 2, size: 32, seed: 4)
        return folder
    }

    @Test func programsReadBatchesWhereTheyLie() throws {
        let folder = try imageFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder + "/train"), batchSize: 4, imageSize: 16, augmentation: .training(),
            seed: 1)
        let program = try Compiler(threads: 2).compile(
            InferenceStep { Output("mean", mean(Input("images", [4, 3, 16, 16]), axes: [1, 2, 3])) })
        #expect(program.program.inputs.map(\.location) == [Location(.input(0))])
        let state = try program.makeState(seed: 1), batches = try loader.epoch(0, dropLast: false)
        while let batch = try batches.next() {
            let padded = batch.padded(to: 4)
            let images = try padded.images.tensor(shape: [4, 3, 16, 16])
            #expect(
                padded.images.withOwnedNumbers { numbers, _ in UnsafeRawPointer(numbers.baseAddress) } == images.pointer
            )
            let means = try program.run(state, ["images": images])["mean"]?.floats ?? []
            for (image, mean) in means.enumerated() {
                let numbers = padded.images[image * 768..<(image + 1) * 768]
                #expect(abs(mean - numbers.reduce(0, +) / 768) < 1e-4)
            }
            #expect(images.floats == Array(padded.images))
            #expect(throws: RuntimeError.self) { try padded.images.tensor(shape: [4, 3, 16]) }
        }
    }

    /// A tensor keeps the numbers of a batch that nobody else has any more, although the loader goes on.
    @Test func tensorsOutliveTheirBatches() throws {
        let folder = try imageFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder + "/train"), batchSize: 1, imageSize: 8, augmentation: .training(), seed: 1
        )
        let batches = try loader.epoch(0, dropLast: false)
        var tensors: [TensorData] = [], copies: [[Float]] = []
        while let batch = try batches.next() {
            tensors.append(try batch.images.tensor(shape: [1, 3, 8, 8]))
            copies.append(Array(batch.images))
        }
        #expect(tensors.count == loader.items.count && tensors.map(\.floats) == copies)
        #expect(Set(copies).count == copies.count)
    }
}
