import Apus

/// Images as rows of patches on the host, laid out as the model's targets are.
struct ImagePatches {
    let configuration: Configuration

    /// Calls `body` with each number of an image's patches: its place in the image [channels, side, side] and in the
    /// patches [tokens, patch · patch · channels].
    func forEachNumber(_ body: (_ imageIndex: Int, _ patchIndex: Int) -> Void) {
        let (side, patch, channels, grid) = (
            configuration.image, configuration.patch, configuration.channels, configuration.grid
        )
        var index = 0
        for row in 0..<grid {
            for column in 0..<grid {
                for y in row * patch..<(row + 1) * patch {
                    for x in column * patch..<(column + 1) * patch {
                        for channel in 0..<channels {
                            body((channel * side + y) * side + x, index)
                            index += 1
                        }
                    }
                }
            }
        }
    }

    /// The patches of an image.
    func patches(of image: ArraySlice<Float>) -> [Float] {
        [Float](unsafeUninitializedCapacity: image.count) { target, count in
            image.withUnsafeBufferPointer { image in forEachNumber { target[$1] = image[$0] } }
            count = image.count
        }
    }

    /// The image of some patches.
    func image(of patches: [Float]) -> [Float] {
        [Float](unsafeUninitializedCapacity: patches.count) { target, count in
            forEachNumber { target[$0] = patches[$1] }
            count = patches.count
        }
    }

    /// Mean and deviation of a patch, by which normalised targets are shifted and scaled.
    static func moments(_ patch: ArraySlice<Float>) -> (mean: Float, deviation: Float) {
        let mean = patch.reduce(0.0) { $0 + Double($1) } / Double(patch.count)
        let variance =
            patch.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(max(patch.count - 1, 1))
        return (Float(mean), Float((variance + 1e-6).squareRoot()))
    }

    /// The patches that the decoder is to predict for an image.
    func targets(of image: ArraySlice<Float>) -> [Float] {
        var patches = patches(of: image)
        guard configuration.normalizePixels else { return patches }
        for start in stride(from: 0, to: patches.count, by: configuration.patchSize) {
            let range = start..<start + configuration.patchSize
            let (mean, deviation) = Self.moments(patches[range])
            for index in range { patches[index] = (patches[index] - mean) / deviation }
        }
        return patches
    }
}

/// The reconstruction loss of a decoder that always predicts the mean patch of each place, over augmented training
/// images.
///
/// At most `limit` images of the first epoch are looked at, those of all ranks.
func meanPatchBaseline(_ loader: ImageLoader, _ configuration: Configuration, limit: Int = 1024) throws -> Double {
    let layout = ImagePatches(configuration: configuration)
    let size = configuration.tokens * configuration.patchSize
    var sums = [Double](repeating: 0, count: size), squares = sums
    let order = loader.order(ofEpoch: 0).prefix(limit), count = order.count
    for first in stride(from: 0, to: count, by: loader.batchSize) {
        let batch = try loader.batch(Array(order[first..<min(first + loader.batchSize, count)]), epoch: 0)
        for start in stride(from: 0, to: batch.images.count, by: size) {
            for (index, value) in layout.targets(of: Array(batch.images[start..<start + size])[...]).enumerated() {
                sums[index] += Double(value)
                squares[index] += Double(value) * Double(value)
            }
        }
    }
    let images = Double(max(count, 1))
    return zip(sums, squares).reduce(0) { $0 + $1.1 / images - ($1.0 / images) * ($1.0 / images) } / Double(size)
}
