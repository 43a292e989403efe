import Foundation
import Testing

/// A small image file and the pixels that Pillow 13's `convert("RGB")` makes of it (for 16-bit grey, which Pillow
/// clips instead: the high bytes).
struct SampleImage: Sendable, CustomTestStringConvertible {
    let name: String
    let width: Int
    let height: Int
    let file: [UInt8]
    let pixels: [UInt8]

    /// Takes file and pixels in base 64.
    init(_ name: String, _ width: Int, _ height: Int, file: String, pixels: String) {
        self.name = name
        self.width = width
        self.height = height
        self.file = bytes(base64: file)
        self.pixels = bytes(base64: pixels)
    }

    var testDescription: String { name }

    /// How many bytes it takes to tell the format.
    var signatureLength: Int {
        switch name.prefix(3) {
        case "PNG": 8
        case "JPE": 3
        case "TIF": 4
        case "BMP": 2
        default: 12
        }
    }

    static func named(_ name: String) throws -> SampleImage {
        try #require(all.first { $0.name == name })
    }

    static let all = pngs + jpegs + others
}

private func bytes(base64: String) -> [UInt8] {
    Array(Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data())
}
