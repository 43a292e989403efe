import CImageCodecs

/// Decodes PNG, JPEG, TIFF, BMP, WebP and DICOM files into `RGBImage`s; but for DICOM, they equal those of Pillow's
/// `convert("RGB")`.
///
/// The format is told from the first bytes, never from the file's name. Samples of 16 bits keep their high byte (for
/// 16-bit grey, where Pillow clips instead, too; a ``window`` chooses other levels), palettes are looked up, and
/// transparency is dropped. JPEG may be grey, RGB, YCbCr, CMYK or YCCK (inverted, as Adobe writes them), baseline,
/// progressive or lossless; its orientation in EXIF data is not applied, that of TIFF is. Grey DICOM images are seen
/// through the window of their header, or of the decoder. A file that ends too early is an error.
public struct ImageDecoder: Sendable {
    /// How large an image may be; checked against the header before memory is taken for the pixels. Besides, its file
    /// may have up to 1 GiB.
    public struct Limits: Sendable, Hashable {
        /// Largest width and largest height in pixels.
        public var side: Int
        /// Largest number of pixels in all; beyond 2^31, it makes no difference.
        public var pixels: Int

        /// Sets both limits; the defaults allow 16384 pixels per side and 2^27 pixels in all.
        public init(side: Int = 16384, pixels: Int = 1 << 27) {
            self.side = side
            self.pixels = pixels
        }

        /// Reads both limits from a text such as `16384,134217728`; throws `invalidArgument` unless they are from 1 to
        /// 2^31.
        public init(_ text: String) throws(DataError) {
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
            guard numbers.count == 2, numbers.allSatisfy((1...1 << 31).contains) else {
                throw DataError(
                    .invalidArgument, "'\(text)' are no limits of an image",
                    advice: "Give the most pixels of a side and of the whole image, such as 16384,134217728.")
            }
            self.init(side: numbers[0], pixels: numbers[1])
        }
    }

    /// The limits that every image is held to.
    public var limits: Limits

    /// How the intensities of grey images of 16 bits and of DICOM become levels; other images are then an error.
    public var window: IntensityWindow?

    /// To how many pixels the shorter side of an image is scaled, with the bicubic filter and in proportion, where it
    /// has more; nil leaves images as they are. Crops of an image that was scaled down differ a little from those of
    /// the whole one.
    public var shorterSide: Int?

    /// Makes a decoder with the given limits and window, which scales large images down to a shorter side if one is
    /// given.
    public init(limits: Limits = Limits(), window: IntensityWindow? = nil, shorterSide: Int? = nil) {
        self.limits = limits
        self.window = window
        self.shorterSide = shorterSide
    }

    /// The same decoder with other limits; itself for nil.
    public func limited(to limits: Limits?) -> ImageDecoder {
        ImageDecoder(limits: limits ?? self.limits, window: window, shorterSide: shorterSide)
    }

    /// Decodes the file at `path`; throws `fileUnreadable`, `fileTooLarge`, `unknownFormat`, `unsupportedImage`,
    /// `corruptImage`, `imageTooLarge`, `noIntensities` or `invalidArgument`.
    public func decode(path: String) throws(DataError) -> RGBImage {
        let bytes = try FileAccess.read(path)
        do {
            return try decode(bytes)
        } catch {
            throw error.at(path)
        }
    }

    /// Decodes a whole file's bytes; throws `unknownFormat`, `unsupportedImage`, `corruptImage`, `imageTooLarge`,
    /// `noIntensities`, or `invalidArgument` for a ``shorterSide`` below 1.
    public func decode(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        let image = try wholeImage(bytes)
        guard let shorterSide, min(image.width, image.height) > shorterSide else { return image }
        guard shorterSide >= 1 else {
            throw DataError(
                .invalidArgument, "the shorter side is \(shorterSide); it must be 1 at least",
                advice: "Take as many pixels as crops need, or none.")
        }
        return try image.resized(shorterSide: shorterSide, filter: .bicubic)
    }

    private func wholeImage(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        switch try content(bytes) {
        case .intensities(let scan): return scan.image(window)
        case .levels(let image):
            guard window == nil else {
                throw DataError(
                    .noIntensities,
                    "a window of intensities was given, and this is no grey image of 16 bits or in DICOM",
                    advice: "Give the images as they come from the scanner, or train without a window.")
            }
            return image
        }
    }

    /// What a file holds; throws as ``decode(_:)``, but for `noIntensities`.
    func content(_ bytes: [UInt8]) throws(DataError) -> ImageContent {
        switch ImageFormat(bytes) {
        case .png: return try decodePNG(bytes)
        case .jpeg: return try decodeJPEG(bytes)
        case .tiff: return try decodeTIFF(bytes)
        case .webp: return .levels(try decodeWebP(bytes))
        case .bmp: return .levels(try decodeBMP(bytes))
        case .dicom: return try decodeDICOM(bytes)
        case nil:
            let what = ImageFormat.nameOfUnread(bytes).map { "\($0), which is not read" }
            throw DataError(
                .unknownFormat,
                bytes.isEmpty ? "the file is empty" : what ?? "no image in PNG, JPEG, TIFF, BMP, WebP or DICOM",
                advice: "Replace or remove the file, or convert it to PNG, JPEG or TIFF.")
        }
    }

    /// The grey levels of an image file, with all their bits; throws `greyMask` for colours, and what ``decode(path:)``
    /// throws.
    func decodeGreyLevels(path: String) throws(DataError) -> (width: Int, height: Int, values: [UInt16]) {
        let bytes = try FileAccess.read(path)
        do throws(DataError) {
            let content = try content(bytes)
            if case .intensities(let scan) = content, case .offset = scan.meaning {
                return (scan.width, scan.height, scan.samples)
            }
            let image = content.image
            var values: [UInt16] = []
            values.reserveCapacity(image.width * image.height)
            for pixel in stride(from: 0, to: image.pixels.count, by: 3) {
                let level = image.pixels[pixel]
                guard image.pixels[pixel + 1] == level, image.pixels[pixel + 2] == level else {
                    throw Mask.grey("colours", path)
                }
                values.append(UInt16(level))
            }
            return (image.width, image.height, values)
        } catch {
            throw error.at(path)
        }
    }

    /// Throws `imageTooLarge` for a size beyond the limits.
    func checkSize(_ width: Int, _ height: Int) throws(DataError) {
        // Whatever is allowed, sizes stay numbers that can be multiplied.
        let pixelLimit = min(limits.pixels, 1 << 31)
        guard width <= limits.side, height <= limits.side, width * height <= pixelLimit else {
            throw DataError(
                .imageTooLarge,
                "\(width) x \(height) pixels exceed the limits of \(limits.side) per side and \(pixelLimit) in all",
                advice: "Scale the image down, or raise the limits (--max-image SIDE,PIXELS).")
        }
    }

    /// Checks the limits, then lets `decode` fill as many bytes as the image has.
    func makePixels(
        _ size: apus_image_size, channels: Int, format: String,
        decode: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CChar>) -> Int32
    ) throws(DataError) -> [UInt8] {
        let (width, height) = (Int(size.width), Int(size.height))
        try checkSize(width, height)
        // Zeroed, so that whatever a codec leaves untouched is defined.
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        try call(format) { message in pixels.withUnsafeMutableBufferPointer { decode($0.baseAddress, message) } }
        return pixels
    }

    /// Turns a failed call of the shim into `corruptImage`.
    func call(_ format: String, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(DataError) {
        let failure = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(APUS_MESSAGE_SIZE)) { buffer in
            body(buffer.baseAddress!) == 0 ? nil : String(cString: buffer.baseAddress!)
        }
        if let failure { throw .damaged(format, failure) }
    }
}
