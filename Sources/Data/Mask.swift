/// Where one class is in an image: 1 inside and 0 outside, row-major.
public struct Mask: Sendable, Equatable {
    /// Pixels per row.
    public let width: Int
    /// Number of rows.
    public let height: Int
    /// `height * width` values, each 0 or 1.
    public let values: [UInt8]

    /// Reads a mask from an image file whose pixels are black or white: 0 and 255, 0 and 1, or 0 and 65535 in a PNG of
    /// 16 bits.
    ///
    /// Throws `greyMask` if there are other values or colours, and what the decoder throws.
    public init(path: String, limits: ImageDecoder.Limits = .init()) throws(DataError) {
        let levels = try ImageDecoder(limits: limits).decodeGreyLevels(path: path)
        (width, height) = (levels.width, levels.height)
        let white = levels.values.max() ?? 0
        guard [0, 1, 255, 65535].contains(white), levels.values.allSatisfy({ $0 == 0 || $0 == white }) else {
            let grey = levels.values.first { $0 != 0 && $0 != 255 && $0 != 65535 } ?? white
            throw Self.grey("grey values, such as \(grey)", path)
        }
        if levels.values.allSatisfy({ $0 == levels.values[0] }), try ImageDecoder.hasShapeInAlpha(path: path) {
            throw DataError(
                .greyMask, "the mask is of one colour, and its shape lies in the transparency", path: path,
                advice: "Store it without transparency, white where the class is and black elsewhere.")
        }
        values = levels.values.map { $0 == 0 ? 0 : 1 }
    }

    static func grey(_ what: String, _ path: String) -> DataError {
        DataError(
            .greyMask, "the mask has \(what)", path: path,
            advice: "Make every pixel black (0) or white (255), and store the mask as PNG, since JPEG blurs edges.")
    }

    /// The mask at another size: each pixel takes the value of the nearest one, as Pillow's `NEAREST` does. Throws
    /// `invalidArgument` for a size that no image can be scaled to.
    public func scaled(width newWidth: Int, height newHeight: Int) throws(DataError) -> [UInt8] {
        try RGBImage.checkTarget(newWidth, newHeight)
        func sources(_ count: Int, _ size: Int) -> [Int] {
            (0..<count).map { min(Int((Double($0) + 0.5) * Double(size) / Double(count)), size - 1) }
        }
        let (rows, columns) = (sources(newHeight, height), sources(newWidth, width))
        return rows.flatMap { row in columns.map { values[row * width + $0] } }
    }
}
