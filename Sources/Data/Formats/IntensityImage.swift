import Foundation

/// What an image file holds.
enum ImageContent: Sendable {
    /// Colours or grey levels as they are seen.
    case levels(RGBImage)
    /// Samples of a scan, of which a window chooses what is seen.
    case intensities(IntensityImage)

    /// The image as it is seen without a window of the user's.
    var image: RGBImage {
        switch self {
        case .levels(let image): image
        case .intensities(let scan): scan.image(nil)
        }
    }

    /// All that tells the image from others: of a scan, all bits of its samples.
    var sampleBytes: [UInt8] {
        switch self {
        case .levels(let image): image.pixels
        case .intensities(let scan): scan.samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        }
    }
}

/// A grey image whose samples stand for intensities.
struct IntensityImage: Sendable {
    /// What the samples stand for.
    enum Meaning: Sendable {
        /// Unsigned numbers of 16 bits, whose offset a window knows; without a window, their high bytes are seen.
        case offset
        /// What the header of a scan says.
        case scale(ScanScale)
    }

    let width: Int, height: Int
    /// Row-major; of signed samples in a scan, their bit patterns.
    let samples: [UInt16]
    let meaning: Meaning

    /// The image that a window shows, or without one the image's own way to be seen.
    func image(_ window: IntensityWindow?) -> RGBImage {
        let levels = (0...UInt16.max).map { level($0, window) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * samples.count)
        for sample in samples {
            let level = levels[Int(sample)]
            for _ in 0..<3 { pixels.append(level) }
        }
        return RGBImage(width: width, height: height, checkedPixels: pixels)
    }

    private func level(_ sample: UInt16, _ window: IntensityWindow?) -> UInt8 {
        switch meaning {
        case .offset: window?.level(sample) ?? UInt8(sample >> 8)
        case .scale(let scale): scale.level(sample, window)
        }
    }
}

/// How a scan's stored samples become intensities and grey levels (DICOM PS3.3, C.7.6.3 and C.11.2).
struct ScanScale: Sendable {
    /// How intensities become levels.
    enum Display: Sendable {
        /// The three functions of C.11.2.1.2 and C.11.2.1.3, of a window's centre and width.
        case linear(center: Double, width: Double)
        case linearExact(center: Double, width: Double)
        case sigmoid(center: Double, width: Double)
        /// By a table, as C.11.2.1.1 has it.
        case table(DICOMTable)
        /// From black to white.
        case range(low: Double, high: Double)
    }

    let isSigned: Bool
    let slope: Double, intercept: Double
    /// Whether small intensities are white.
    let isInverted: Bool
    let display: Display

    /// The intensity of a stored sample, such as Hounsfield units.
    func intensity(_ sample: UInt16) -> Double {
        (isSigned ? Double(Int16(bitPattern: sample)) : Double(sample)) * slope + intercept
    }

    /// The level of a stored sample; a window takes the place of the header's.
    func level(_ sample: UInt16, _ window: IntensityWindow?) -> UInt8 {
        let intensity = intensity(sample)
        let level = window?.level(ofIntensity: intensity) ?? UInt8((255 * min(max(part(intensity), 0), 1)).rounded())
        return isInverted ? 255 - level : level
    }

    /// The share of white.
    private func part(_ intensity: Double) -> Double {
        switch display {
        case .linear(let center, let width):
            // A width of 1 is a threshold.
            if intensity <= center - 0.5 - (width - 1) / 2 { return 0 }
            if intensity > center - 0.5 + (width - 1) / 2 { return 1 }
            return (intensity - (center - 0.5)) / (width - 1) + 0.5
        case .linearExact(let center, let width): return (intensity - center) / width + 0.5
        case .sigmoid(let center, let width): return 1 / (1 + exp(-4 * (intensity - center) / width))
        case .table(let table): return table.brightness(of: intensity)
        case .range(let low, let high): return high > low ? (intensity - low) / (high - low) : 0
        }
    }
}
