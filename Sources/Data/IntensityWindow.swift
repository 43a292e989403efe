/// Which intensities of a 16-bit grey image become the 256 levels of a picture, as a CT scan is looked at.
///
/// A sample stands for the intensity `sample - offset`. `low` and what is below it become black, `high` and what is
/// above it white.
public struct IntensityWindow: Sendable, Hashable {
    /// The intensity that becomes black.
    public let low: Double
    /// The intensity that becomes white.
    public let high: Double
    /// The sample that stands for an intensity of 0.
    public let offset: Double

    /// The offset with which signed numbers of 16 bits, such as Hounsfield units, are stored as unsigned ones.
    public static let signedOffset = 32768.0

    /// Sets a window; throws `invalidArgument` unless all numbers are finite and `low` is below `high`.
    public init(low: Double, high: Double, offset: Double = IntensityWindow.signedOffset) throws(DataError) {
        guard low < high, low.isFinite, high.isFinite, offset.isFinite else {
            throw DataError(
                .invalidArgument, "a window from \(low) to \(high) with the offset \(offset)",
                advice: "Give finite numbers, the lower one first, such as -1024 and 3071.")
        }
        (self.low, self.high, self.offset) = (low, high, offset)
    }

    /// Reads the two intensities from a text such as `-1024,3071`, or `-1024,3071@1024` with the offset behind them;
    /// throws `invalidArgument`.
    public init(_ text: String) throws(DataError) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let numbers = (parts.first ?? "").split(separator: ",", omittingEmptySubsequences: false).map { piece in
            Double(piece.drop { $0 == " " })
        }
        guard parts.count <= 2, let offset = parts.count == 2 ? Double(parts[1]) : Self.signedOffset,
            numbers.count == 2, let low = numbers[0], let high = numbers[1]
        else {
            throw DataError(
                .invalidArgument, "'\(text)' is no window of intensities",
                advice: "Give two numbers, the lower one first, such as -1024,3071.")
        }
        try self.init(low: low, high: high, offset: offset)
    }

    /// The level of a sample, rounded to the nearest.
    func level(_ sample: UInt16) -> UInt8 { level(ofIntensity: Double(sample) - offset) }

    /// The level of an intensity, rounded to the nearest.
    func level(ofIntensity intensity: Double) -> UInt8 {
        let part = (intensity - low) / (high - low)
        return UInt8((min(max(part, 0), 1) * 255).rounded())
    }
}
