import CImageCodecs

extension RGBImage {
    /// The image as an 8-bit RGB PNG; equal images give equal bytes. Throws `invalidArgument` beyond PNG's limits.
    public func pngData() throws(DataError) -> [UInt8] {
        try encodePNG(pixels, width: width, height: height, channels: 3)
    }

    /// Writes an 8-bit RGB PNG, replacing what is at `path` only once it is complete; throws `fileUnwritable`.
    public func writePNG(to path: String) throws(DataError) {
        try FileAccess.write(try pngData(), to: path)
    }
}

/// An image of 8-bit grey levels, row-major; it is only written, never read: decoding always gives `RGBImage`.
public struct GreyImage: Sendable, Equatable {
    /// Pixels per row.
    public let width: Int
    /// Number of rows.
    public let height: Int
    /// `height * width` bytes.
    public let pixels: [UInt8]

    /// Wraps pixels; throws `invalidArgument` unless there are `width * height` bytes of a non-empty image.
    public init(width: Int, height: Int, pixels: [UInt8]) throws(DataError) {
        // The upper bound keeps the product from overflowing.
        guard (1...1 << 30).contains(width), (1...1 << 30).contains(height), pixels.count == width * height else {
            throw DataError(
                .invalidArgument, "\(pixels.count) bytes are no grey image of \(width) x \(height) pixels",
                advice: "Give width * height bytes and at least one pixel.")
        }
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The image as an 8-bit grey PNG; equal images give equal bytes. Throws `invalidArgument` beyond PNG's limits.
    public func pngData() throws(DataError) -> [UInt8] {
        try encodePNG(pixels, width: width, height: height, channels: 1)
    }

    /// Writes an 8-bit grey PNG, replacing what is at `path` only once it is complete; throws `fileUnwritable`.
    public func writePNG(to path: String) throws(DataError) {
        try FileAccess.write(try pngData(), to: path)
    }
}

private func encodePNG(_ pixels: [UInt8], width: Int, height: Int, channels: Int32) throws(DataError) -> [UInt8] {
    let size = apus_image_size(width: UInt32(width), height: UInt32(height))
    let room = apus_png_bound(size, channels)
    var message = [CChar](repeating: 0, count: Int(APUS_MESSAGE_SIZE))
    var failed = false
    let png = [UInt8](unsafeUninitializedCapacity: room) { target, count in
        count = room
        failed = apus_png_encode(pixels, size, channels, target.baseAddress, &count, &message) != 0
        if failed { count = 0 }
    }
    if failed {
        let reason = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        throw DataError(
            .invalidArgument, "the image of \(width) x \(height) pixels cannot be encoded (\(reason))",
            advice: "Write a smaller image.")
    }
    return png
}
