import Apus

extension Normalization {
    /// What the released code of MSMAE does before a segmentation: ImageNet's values on planes in the order blue,
    /// green, red, and the result divided by 255 once more.
    public static let releasedSegmentation: Normalization = {
        let numbers = Normalization.imageNet
        do {
            return try Normalization(mean: numbers.mean, deviation: numbers.deviation * 255, bluePlaneFirst: true)
        } catch {
            preconditionFailure("ImageNet's numbers are finite and positive")
        }
    }()
}
