import CImageCodecs

/// Decodes PNG and JPEG files into `RGBImage`s that equal those of Pillow's `convert("RGB")`.
///
/// The format is told from the first bytes, never from the file's name. PNG may be of any kind: 16-bit samples
/// keep their high byte (for 16-bit grey, where Pillow clips instead, too; a ``window`` chooses other levels), palettes
/// are looked up, and transparency is dropped. JPEG may be grey, RGB, YCbCr, CMYK or YCCK (inverted, as Adobe writes
/// them), baseline or progressive. The orientation in EXIF data is not applied. A file that ends too early is an error.
public struct ImageDecoder: Sendable {
    /// How large an image may be; checked against the header before memory is taken for the pixels. Besides, its file
    /// may have up to 1 GiB.
    public struct Limits: Sendable, Equatable {
        /// Largest width and largest height in pixels.
        public var side: Int
        /// Largest number of pixels in all; beyond 2^31, it makes no difference.
        public var pixels: Int

        /// Sets both limits; the defaults allow 16384 pixels per side and 2^27 pixels in all.
        public init(side: Int = 16384, pixels: Int = 1 << 27) {
            self.side = side
            self.pixels = pixels
        }
    }

    /// The limits that every image is held to.
    public var limits: Limits

    /// How the samples of 16-bit grey PNGs become levels; other images are then an error.
    public var window: IntensityWindow?

    /// Makes a decoder with the given limits and window.
    public init(limits: Limits = Limits(), window: IntensityWindow? = nil) {
        self.limits = limits
        self.window = window
    }

    /// Decodes the file at `path`; throws `fileUnreadable`, `fileTooLarge`, `unknownFormat`, `corruptImage`,
    /// `imageTooLarge` or `noIntensities`.
    public func decode(path: String) throws(DataError) -> RGBImage {
        let bytes = try FileAccess.read(path)
        do {
            return try decode(bytes)
        } catch {
            throw error.at(path)
        }
    }

    /// Decodes a whole file's bytes; throws `unknownFormat`, `corruptImage`, `imageTooLarge` or `noIntensities`.
    public func decode(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        if let window {
            guard let grey = try decodeGrey16(bytes) else {
                throw DataError(
                    .noIntensities, "a window of intensities was given, and this is no grey PNG of 16 bits",
                    advice: "Leave the window out, or keep such images in a folder of their own.")
            }
            return grey.image(window)
        }
        if Self.isPNG(bytes) { return try decodePNG(bytes) }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return try decodeJPEG(bytes) }
        throw DataError(
            .unknownFormat, bytes.isEmpty ? "the file is empty" : "neither a PNG nor a JPEG image",
            advice: "Replace or remove the file, or convert it to PNG or JPEG.")
    }

    /// The grey levels of an image file, with all their bits; throws `greyMask` for colours, and what ``decode(path:)``
    /// throws.
    func decodeGreyLevels(path: String) throws(DataError) -> GreyLevels {
        let bytes = try FileAccess.read(path)
        do throws(DataError) {
            if let grey = try decodeGrey16(bytes) { return grey }
            let image = try ImageDecoder(limits: limits).decode(bytes)
            var values: [UInt16] = []
            values.reserveCapacity(image.width * image.height)
            for pixel in stride(from: 0, to: image.pixels.count, by: 3) {
                let level = image.pixels[pixel]
                guard image.pixels[pixel + 1] == level, image.pixels[pixel + 2] == level else {
                    throw Mask.grey("colours", path)
                }
                values.append(UInt16(level))
            }
            return GreyLevels(width: image.width, height: image.height, values: values)
        } catch {
            throw error.at(path)
        }
    }

    /// The bytes of the samples of a grey PNG of 16 bits; nil for other images.
    func grey16(_ bytes: [UInt8]) throws(DataError) -> [UInt8]? {
        try decodeGrey16(bytes).map { $0.values.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
    }

    /// Samples of a grey image, row-major.
    struct GreyLevels {
        let width: Int, height: Int
        let values: [UInt16]

        /// The image that a window shows.
        func image(_ window: IntensityWindow) -> RGBImage {
            let levels = (0...UInt16.max).map { window.level($0) }
            var pixels: [UInt8] = []
            pixels.reserveCapacity(3 * values.count)
            for value in values {
                let level = levels[Int(value)]
                for _ in 0..<3 { pixels.append(level) }
            }
            return RGBImage(width: width, height: height, checkedPixels: pixels)
        }
    }

    private static func isPNG(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    }

    /// The samples of a grey PNG of 16 bits; nil for other images.
    private func decodeGrey16(_ bytes: [UInt8]) throws(DataError) -> GreyLevels? {
        guard Self.isPNG(bytes) else { return nil }
        var size = apus_image_size()
        var isGrey16: Int32 = 0
        try call("PNG") { apus_png_size(bytes, bytes.count, &size, &isGrey16, $0) }
        guard isGrey16 != 0 else { return nil }
        // Two bytes for each sample, in the order of this machine.
        let pixels = try makePixels(size, channels: 2, format: "PNG") { target, message in
            apus_png_decode_grey16(bytes, bytes.count, size, target, message)
        }
        let values = pixels.withUnsafeBytes { pixels in
            stride(from: 0, to: pixels.count, by: 2).map { pixels.loadUnaligned(fromByteOffset: $0, as: UInt16.self) }
        }
        return GreyLevels(width: Int(size.width), height: Int(size.height), values: values)
    }

    private func decodePNG(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        var size = apus_image_size()
        var isGrey16: Int32 = 0
        try call("PNG") { apus_png_size(bytes, bytes.count, &size, &isGrey16, $0) }
        let pixels = try makePixels(size, channels: 3, format: "PNG") { target, message in
            apus_png_decode(bytes, bytes.count, size, target, message)
        }
        return RGBImage(width: Int(size.width), height: Int(size.height), checkedPixels: pixels)
    }

    private func decodeJPEG(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        var size = apus_image_size()
        var channels: Int32 = 0
        try call("JPEG") { apus_jpeg_size(bytes, bytes.count, &size, &channels, $0) }
        var pixels = try makePixels(size, channels: Int(channels), format: "JPEG") { target, message in
            apus_jpeg_decode(bytes, bytes.count, size, channels, target, message)
        }
        if channels == 4 { pixels = rgb(fromInvertedCMYK: pixels) }
        return RGBImage(width: Int(size.width), height: Int(size.height), checkedPixels: pixels)
    }

    /// Pillow's arithmetic. Adobe stores 255 minus the ink, so `k` and the colours below are what is left of white.
    private func rgb(fromInvertedCMYK cmyk: [UInt8]) -> [UInt8] {
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

    /// Checks the limits, then lets `decode` fill as many bytes as the image has.
    private func makePixels(
        _ size: apus_image_size, channels: Int, format: String,
        decode: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CChar>) -> Int32
    ) throws(DataError) -> [UInt8] {
        let (width, height) = (Int(size.width), Int(size.height))
        // Whatever is allowed, sizes stay numbers that can be multiplied.
        let pixelLimit = min(limits.pixels, 1 << 31)
        guard width <= limits.side, height <= limits.side, width * height <= pixelLimit else {
            throw DataError(
                .imageTooLarge,
                "\(width) x \(height) pixels exceed the limits of \(limits.side) per side and \(pixelLimit) in all",
                advice: "Scale the image down, or raise the decoder's limits.")
        }
        // Zeroed, so that whatever a codec leaves untouched is defined.
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        try call(format) { message in pixels.withUnsafeMutableBufferPointer { decode($0.baseAddress, message) } }
        return pixels
    }

    /// Turns a failed call of the shim into `corruptImage`.
    private func call(_ format: String, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(DataError) {
        let failure = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(APUS_MESSAGE_SIZE)) { buffer in
            body(buffer.baseAddress!) == 0 ? nil : String(cString: buffer.baseAddress!)
        }
        if let failure {
            throw DataError(
                .corruptImage, "the \(format) image is damaged or incomplete (\(failure))",
                advice: "Fetch the file again, or remove it.")
        }
    }
}
