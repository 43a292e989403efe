import Apus
import Foundation

/// Grey images of 8×8 pixels in ten classes: the handwritten digits that scikit-learn ships (Alpaydin and Kaynak 1998),
/// or generated spots in their place.
public struct Digits: Sendable {
    /// Width and height of an image.
    public static let side = 8
    static let pixelCount = side * side, classCount = 10

    /// The pixels of each image, row by row, from 0 to 1.
    public private(set) var images: [[Float]] = []
    /// The class of each image.
    public private(set) var labels: [Int32] = []

    /// Reads a file of lines with 64 numbers from 0 to 16 and a class from 0 to 9, separated by commas.
    ///
    /// Throws ``ExampleError`` with the line if it has something else, or no line at all.
    public init(contentsOf path: String) throws {
        func mistake(_ problem: String) -> ExampleError { .data(path: path, problem: problem) }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw mistake("cannot be read as text")
        }
        for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            let values = line.split(separator: ",").map { Float($0) ?? .nan }
            guard values.count == Self.pixelCount + 1, values.dropLast().allSatisfy({ 0...16 ~= $0 }),
                let label = values.last.flatMap({ Int32(exactly: $0) }), 0..<Int32(Self.classCount) ~= label
            else { throw mistake("line \(number + 1) is not 64 numbers from 0 to 16 and a class from 0 to 9") }
            images.append(values.dropLast().map { $0 / 16 })
            labels.append(label)
        }
        guard images.count >= 10 else { throw mistake("\(images.count) images are too few to train and test with") }
    }

    /// Generated images: a spot near one of ten places, which is the class.
    public init(spots count: Int, seed: Int) {
        for index in 0..<count {
            var random = CounterRandom(seed: UInt64(bitPattern: Int64(seed)), index: index, purpose: .exampleData)
            let label = random.integer(below: Self.classCount)
            let row = Double(label / 5) * 3 + 2 + random.uniform(in: -0.5...0.5)
            let column = Double(label % 5) * 1.5 + 0.5 + random.uniform(in: -0.5...0.5)
            let width = random.uniform(in: 0.8...1.5)
            images.append(
                (0..<Self.pixelCount).map { pixel in
                    let (y, x) = (Double(pixel / Self.side) - row, Double(pixel % Self.side) - column)
                    return Float(Foundation.exp(-(x * x + y * y) / width))
                })
            labels.append(Int32(label))
        }
    }

    /// A fifth of the images to test with, and the others to train on: `images` f32 [n, 64] and `labels` i32 [n].
    ///
    /// Which ones they are does not depend on the seed of a training, so that trainings can be compared.
    public func split() throws -> (training: ArrayData, test: ArrayData) {
        var random = CounterRandom(seed: 0, purpose: .exampleSplit)
        let order = random.permutation(of: images.count), tested = images.count / 5
        return (try data(order.dropFirst(tested)), try data(order.prefix(tested)))
    }

    private func data(_ samples: ArraySlice<Int>) throws -> ArrayData {
        try ArrayData([
            "images": TensorData(samples.flatMap { images[$0] }, shape: [samples.count, Self.pixelCount]),
            "labels": TensorData(samples.map { labels[$0] }),
        ])
    }
}
