import CImageCodecs

extension ImageDecoder {
    /// Whether a PNG that was decoded before has pixels of different transparency; false for other images.
    static func hasShapeInAlpha(path: String) throws(DataError) -> Bool {
        let bytes = try FileAccess.read(path)
        var size = apus_image_size(), isGrey16: Int32 = 0
        var message = [CChar](repeating: 0, count: Int(APUS_MESSAGE_SIZE))
        guard apus_png_size(bytes, bytes.count, &size, &isGrey16, &message) == 0 else { return false }
        var pixels = [UInt8](repeating: 255, count: 4 * Int(size.width) * Int(size.height))
        guard apus_png_decode_rgba(bytes, bytes.count, size, &pixels, &message) == 0 else { return false }
        return stride(from: 3, to: pixels.count, by: 4).contains { pixels[$0] != pixels[3] }
    }
}
