import CImageCodecs

extension ImageDecoder {
    /// A JPEG of 8 bits, or a lossless one of grey or RGB; lossless grey of 16 bits is intensities.
    func decodeJPEG(_ bytes: [UInt8]) throws(DataError) -> ImageContent {
        guard let header = JPEGHeader(bytes) else { return .levels(try decodeLossyJPEG(bytes)) }
        if let kind = header.unreadKind { throw .unsupported(kind) }
        guard header.isLossless else { return .levels(try decodeLossyJPEG(bytes)) }
        let isRGB = header.components.count == 3 && !header.isJFIF && (header.adobeTransform ?? 0) == 0
        guard header.components.count == 1 || isRGB, header.precision == 8 || header.precision == 16 && !isRGB else {
            throw .unsupported(
                "a lossless JPEG image of \(header.precision) bits and \(header.components.count) components")
        }
        try checkSize(header.width, header.height)
        let samples = try LosslessJPEG.decode(bytes, header)
        let (width, height) = (header.width, header.height)
        if header.precision == 16 {
            return .intensities(IntensityImage(width: width, height: height, samples: samples, meaning: .offset))
        }
        let pixels =
            isRGB
            ? samples.map { UInt8(truncatingIfNeeded: $0) }
            : samples.flatMap { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 3) }
        return .levels(RGBImage(width: width, height: height, checkedPixels: pixels))
    }

    /// What TurboJPEG decodes.
    func decodeLossyJPEG(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        var size = apus_image_size()
        var channels: Int32 = 0
        try call("JPEG") { apus_jpeg_size(bytes, bytes.count, &size, &channels, $0) }
        var pixels = try makePixels(size, channels: Int(channels), format: "JPEG") { target, message in
            apus_jpeg_decode(bytes, bytes.count, size, channels, target, message)
        }
        if channels == 4 { pixels = Self.rgb(fromInvertedCMYK: pixels) }
        return RGBImage(width: Int(size.width), height: Int(size.height), checkedPixels: pixels)
    }

    /// Pillow's arithmetic. Adobe stores 255 minus the ink, so `k` and the colours below are what is left of white.
    static func rgb(fromInvertedCMYK cmyk: [UInt8]) -> [UInt8] {
        var rgb: [UInt8] = []
        rgb.reserveCapacity(cmyk.count / 4 * 3)
        for pixel in stride(from: 0, to: cmyk.count, by: 4) {
            let k = Int(cmyk[pixel + 3])
            for channel in 0..<3 {
                let product = (255 - Int(cmyk[pixel + channel])) * k + 128
                rgb.append(UInt8(max(0, k - ((product >> 8) + product) >> 8)))
            }
        }
        return rgb
    }
}
