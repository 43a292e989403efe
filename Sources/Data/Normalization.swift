/// Per-channel mean and standard deviation that pixels in 0...1 are shifted and scaled by.
public struct Normalization: Sendable, Equatable {
    /// Mean of each plane: red, green and blue, unless the blue one comes first.
    public let mean: SIMD3<Float>
    /// Standard deviation of each plane.
    public let deviation: SIMD3<Float>
    /// Whether the planes come as blue, green and red; mean and deviation go by the plane's place all the same.
    public let bluePlaneFirst: Bool

    /// The values of ImageNet, which pre-trained vision models expect.
    public static let imageNet = Normalization(
        checkedMean: SIMD3(0.485, 0.456, 0.406), deviation: SIMD3(0.229, 0.224, 0.225))

    /// Sets mean and deviation of the three planes, which are red, green and blue, or the other way round; throws
    /// `invalidArgument` unless deviations are positive and all values finite.
    public init(mean: SIMD3<Float>, deviation: SIMD3<Float>, bluePlaneFirst: Bool = false) throws(DataError) {
        for channel in 0..<3 where !(mean[channel].isFinite && deviation[channel].isFinite && deviation[channel] > 0) {
            throw DataError(
                .invalidArgument, "mean \(mean) and deviation \(deviation) cannot normalise an image",
                advice: "Give finite means and positive, finite deviations.")
        }
        self.init(checkedMean: mean, deviation: deviation, bluePlaneFirst: bluePlaneFirst)
    }

    private init(checkedMean: SIMD3<Float>, deviation: SIMD3<Float>, bluePlaneFirst: Bool = false) {
        mean = checkedMean
        self.deviation = deviation
        self.bluePlaneFirst = bluePlaneFirst
    }
}

extension RGBImage {
    /// `(byte / 255 - mean) / deviation` in planes, shape [3, height, width], rounded as torchvision rounds it.
    public func normalized(_ normalization: Normalization = .imageNet) -> [Float] {
        [Float](unsafeUninitializedCapacity: 3 * width * height) { target, count in
            count = 3 * width * height
            normalize(normalization, into: UnsafeMutableBufferPointer(rebasing: target[..<count]))
        }
    }

    /// The same, written to where they are to lie.
    func normalize(_ normalization: Normalization, into target: UnsafeMutableBufferPointer<Float>) {
        let plane = width * height
        precondition(target.count == 3 * plane)
        for channel in 0..<3 {
            let source = normalization.bluePlaneFirst ? 2 - channel : channel
            // A byte has 256 values: the divisions are done once for each.
            let table = (0..<256).map {
                (Float($0) / 255 - normalization.mean[channel]) / normalization.deviation[channel]
            }
            table.withUnsafeBufferPointer { table in
                pixels.withUnsafeBufferPointer { pixels in
                    for i in 0..<plane { target[channel * plane + i] = table[Int(pixels[i * 3 + source])] }
                }
            }
        }
    }
}
