import CImageCodecs

extension ImageDecoder {
    /// A WebP, with or without loss, whose transparency is dropped.
    func decodeWebP(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        var size = apus_image_size()
        var isAnimated: Int32 = 0
        try call("WebP") { apus_webp_size(bytes, bytes.count, &size, &isAnimated, $0) }
        guard isAnimated == 0 else {
            throw .unsupported("an animated WebP image", advice: "Store each picture in a file of its own.")
        }
        let pixels = try makePixels(size, channels: 3, format: "WebP") { target, message in
            apus_webp_decode(bytes, bytes.count, size, target, message)
        }
        return RGBImage(width: Int(size.width), height: Int(size.height), checkedPixels: pixels)
    }
}
