import CImageCodecs

extension ImageDecoder {
    /// A PNG of any kind; grey ones of 16 bits are intensities.
    func decodePNG(_ bytes: [UInt8]) throws(DataError) -> ImageContent {
        var size = apus_image_size()
        var isGrey16: Int32 = 0
        try call("PNG") { apus_png_size(bytes, bytes.count, &size, &isGrey16, $0) }
        let (width, height) = (Int(size.width), Int(size.height))
        guard isGrey16 != 0 else {
            let pixels = try makePixels(size, channels: 3, format: "PNG") { target, message in
                apus_png_decode(bytes, bytes.count, size, target, message)
            }
            return .levels(RGBImage(width: width, height: height, checkedPixels: pixels))
        }
        // Two bytes for each sample, in the order of this machine.
        let pixels = try makePixels(size, channels: 2, format: "PNG") { target, message in
            apus_png_decode_grey16(bytes, bytes.count, size, target, message)
        }
        let samples = pixels.withUnsafeBytes { pixels in
            stride(from: 0, to: pixels.count, by: 2).map { pixels.loadUnaligned(fromByteOffset: $0, as: UInt16.self) }
        }
        return .intensities(IntensityImage(width: width, height: height, samples: samples, meaning: .offset))
    }
}
