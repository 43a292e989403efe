/// What a JPEG says before its first scan (ITU-T T.81, annex B).
struct JPEGHeader {
    /// The second byte of the frame's marker: 0xC0 is baseline, 0xC3 lossless, 0xC9 and above arithmetic coding.
    let process: UInt8
    /// Bits of a sample.
    let precision: Int
    let width: Int, height: Int
    /// The components' numbers, and their sampling factors in one byte each.
    let components: [(id: UInt8, sampling: UInt8)]
    /// Whether there is a JFIF segment, and what Adobe's says about the colours.
    let isJFIF: Bool, adobeTransform: UInt8?

    /// Reads up to the frame's header; nil where there is none.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes, format: "JPEG", order: .bigEndian, position: 2)
        var isJFIF = false, adobeTransform: UInt8?
        do throws(DataError) {
            while true {
                let marker = try reader.jpegMarker()
                if marker == 0xDA || marker == 0xD9 { return nil }
                let segment = Array(try reader.jpegSegment())
                switch marker {
                case 0xE0 where segment.starts(with: Array("JFIF".utf8)): isJFIF = true
                case 0xEE where segment.starts(with: Array("Adobe".utf8)) && segment.count >= 12:
                    adobeTransform = segment[11]
                case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker):
                    guard segment.count >= 6, segment.count >= 6 + 3 * Int(segment[5]) else { return nil }
                    process = marker
                    precision = Int(segment[0])
                    height = Int(segment[1]) << 8 | Int(segment[2])
                    width = Int(segment[3]) << 8 | Int(segment[4])
                    components = (0..<Int(segment[5])).map { (segment[6 + 3 * $0], segment[7 + 3 * $0]) }
                    (self.isJFIF, self.adobeTransform) = (isJFIF, adobeTransform)
                    return
                default: break
                }
            }
        } catch {
            return nil
        }
    }

    var isLossless: Bool { process == 0xC3 }

    /// What kind of JPEG this is if it is not read; nil for those that are.
    var unreadKind: String? {
        switch process {
        case 0xC3: nil
        case 0xC5...0xC7, 0xCD...0xCF: "a hierarchical JPEG image"
        case 0xCB: "a lossless JPEG image with arithmetic coding"
        default:
            precision != 8
                ? "a JPEG image of \(precision) bits a sample"
                : [1, 3, 4].contains(components.count) ? nil : "a JPEG image of \(components.count) components"
        }
    }
}

extension ByteReader {
    /// The next marker that has a segment or ends something; what lies before it is passed over.
    mutating func jpegMarker() throws(DataError) -> UInt8 {
        while true {
            while try integer(UInt8.self) != 0xFF {}
            var marker = try integer(UInt8.self)
            while marker == 0xFF { marker = try integer(UInt8.self) }
            if marker != 0, marker != 1, !(0xD0...0xD8).contains(marker) { return marker }
        }
    }

    /// What follows a marker.
    mutating func jpegSegment() throws(DataError) -> ArraySlice<UInt8> {
        try take(Int(try integer(UInt16.self)) - 2)
    }
}
