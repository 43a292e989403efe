/// The elements of a DICOM file (PS3.10) that its image is made of: those of the group 0028 and the pixel data.
///
/// Files have the 128 bytes and `DICM` before their meta information, which old programs leave away, and little-endian
/// data with implicit or explicit value representations (PS3.5, chapter 7). Sequences are passed over, except for that
/// of the tables of values of interest.
struct DICOMDataSet {
    /// Group and element number.
    typealias Tag = UInt32

    /// The pixel data, as one piece or in fragments.
    enum PixelData {
        case native(ArraySlice<UInt8>)
        case encapsulated([ArraySlice<UInt8>])
    }

    /// How the data set is stored.
    private(set) var transferSyntax = DICOMTransferSyntax.explicit
    /// The pixel data; nil if there is none.
    private(set) var pixelData: PixelData?
    /// The items of the sequence of tables of values of interest (0028,3010), and whether their elements are explicit.
    private(set) var tables: (items: ArraySlice<UInt8>, isExplicit: Bool)?
    private var values: [Tag: ArraySlice<UInt8>] = [:]
    /// Sequences that the data set has at its first level.
    private var sequences: Set<Tag> = []

    static let (item, itemEnd, sequenceEnd): (Tag, Tag, Tag) = (0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD)
    static let undefinedLength: UInt32 = .max

    /// Whether a file is one of DICOM: by the letters behind its preamble, or without one by a first element of the
    /// group 0002 or 0008 as there is at the beginning of a data set.
    static func begins(_ file: some Collection<UInt8>) -> Bool {
        if hasPreamble(file) { return true }
        let head = Array(file.prefix(8))
        guard head.count == 8, head[0] == 2 || head[0] == 8, head[1] == 0, head[2] <= 0x60, head[3] == 0 else {
            return false
        }
        let kind = String(decoding: head[4..<6], as: UTF8.self)
        return ["CS", "DA", "DT", "LO", "OB", "SH", "TM", "UI", "UL"].contains(kind)
            || head[0] == 8 && head[4] <= 64 && head[4] % 2 == 0 && head[5...].allSatisfy { $0 == 0 }
    }

    private static func hasPreamble(_ file: some Collection<UInt8>) -> Bool {
        file.dropFirst(128).starts(with: Array("DICM".utf8))
    }

    /// Reads up to the pixel data; throws `corruptImage` or `unsupportedImage`.
    init(_ bytes: [UInt8]) throws(DataError) {
        let hasPreamble = Self.hasPreamble(bytes)
        var reader = ByteReader(bytes, format: "DICOM", order: .littleEndian, position: hasPreamble ? 132 : 0)
        var syntax: DICOMTransferSyntax?
        while reader.left > 0 {
            let start = reader.position
            let tag = try Self.tag(&reader)
            if tag >> 16 != 2, syntax == nil {
                if let uid = text(0x0002_0010) {
                    syntax = try DICOMTransferSyntax(uid)
                } else if hasPreamble {
                    throw .damaged("DICOM", "it names no transfer syntax")
                } else {
                    syntax = bytes[reader.position...].prefix(2).allSatisfy(Self.isLetter) ? .explicit : .implicit
                }
            }
            // The meta information is explicit, whatever follows it.
            let isExplicit = tag >> 16 == 2 || syntax != .implicit
            let header = try Self.header(&reader, isExplicit: isExplicit)
            if tag == 0x7FE0_0010 {
                pixelData = try Self.pixelData(&reader, length: header.length)
                break
            }
            let valueStart = reader.position
            defer {
                if tag == 0x0028_3010 {
                    tables = (bytes[valueStart..<reader.position], isExplicit && header.kind != "UN")
                }
            }
            if header.length == Self.undefinedLength || header.kind == "SQ" {
                sequences.insert(tag)
                if header.length == Self.undefinedLength {
                    try Self.skipSequence(&reader, isExplicit: isExplicit && header.kind != "UN")
                } else {
                    _ = try reader.take(Int(header.length))
                }
                continue
            }
            let value = try reader.take(Int(header.length))
            if tag >> 16 == 0x0028 || tag == 0x0002_0010 { values[tag] = value }
            guard reader.position > start else { break }
        }
        guard let syntax else { throw .damaged("DICOM", "it has no data set") }
        transferSyntax = syntax
    }

    /// Whether the data set has such an element or sequence.
    func has(_ tag: Tag) -> Bool { values[tag] != nil || sequences.contains(tag) }

    /// A text without padding; nil if it is missing or empty.
    func text(_ tag: Tag) -> String? {
        guard let value = values[tag] else { return nil }
        let text = String(decoding: value, as: UTF8.self).filter { $0 != "\0" }
        let trimmed = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    /// An unsigned number of 16 bits; nil if it is missing.
    func integer(_ tag: Tag) throws(DataError) -> Int? {
        guard let value = values[tag] else { return nil }
        guard value.count >= 2 else { throw .damaged("DICOM", "\(name(tag)) has \(value.count) bytes") }
        return Int(value[value.startIndex]) | Int(value[value.startIndex + 1]) << 8
    }

    /// The first of several decimal numbers; nil if it is missing.
    func decimal(_ tag: Tag) throws(DataError) -> Double? {
        guard let text = text(tag) else { return nil }
        let first = text.split(separator: "\\", omittingEmptySubsequences: false)[0].filter { $0 != " " }
        guard let number = Double(first), number.isFinite else {
            throw .damaged("DICOM", "\(name(tag)) is no number")
        }
        return number
    }

    /// A tag as the standard writes it.
    private func name(_ tag: Tag) -> String {
        func digits(_ number: Tag) -> String {
            let text = String(number, radix: 16, uppercase: true)
            return String(repeating: "0", count: 4 - text.count) + text
        }
        return "(\(digits(tag >> 16)),\(digits(tag & 0xFFFF)))"
    }

    // MARK: Elements

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }

    static func tag(_ reader: inout ByteReader) throws(DataError) -> Tag {
        let group = Tag(try reader.integer(UInt16.self))
        return group << 16 | Tag(try reader.integer(UInt16.self))
    }

    /// The value representation, empty where it is implicit, and the length.
    static func header(_ reader: inout ByteReader, isExplicit: Bool) throws(DataError)
        -> (kind: String, length: UInt32)
    {
        guard isExplicit else { return ("", try reader.integer()) }
        let letters = try reader.take(2)
        guard letters.allSatisfy(isLetter) else {
            throw .damaged("DICOM", "an element without value representation at byte \(letters.startIndex)")
        }
        let kind = String(decoding: letters, as: UTF8.self)
        guard ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"].contains(kind) else {
            return (kind, UInt32(try reader.integer(UInt16.self)))
        }
        _ = try reader.take(2)
        return (kind, try reader.integer())
    }

    /// Passes over a sequence of undefined length, and all inside of it.
    private static func skipSequence(_ reader: inout ByteReader, isExplicit: Bool) throws(DataError) {
        // What is open, from outside to inside, and whether the elements there are explicit.
        var open = [isExplicit]
        while let isExplicit = open.last {
            let tag = try tag(&reader)
            switch tag {
            case item:
                let length: UInt32 = try reader.integer()
                if length == undefinedLength { open.append(isExplicit) } else { _ = try reader.take(Int(length)) }
            case itemEnd, sequenceEnd:
                _ = try reader.take(4)
                open.removeLast()
            default:
                let header = try header(&reader, isExplicit: isExplicit)
                if header.length == undefinedLength {
                    open.append(isExplicit && header.kind != "UN")
                } else {
                    _ = try reader.take(Int(header.length))
                }
            }
            guard open.count <= 256 else { throw .damaged("DICOM", "sequences lie too deep in each other") }
        }
    }

    private static func pixelData(_ reader: inout ByteReader, length: UInt32) throws(DataError) -> PixelData {
        guard length == undefinedLength else { return .native(try reader.take(Int(length))) }
        var fragments: [ArraySlice<UInt8>] = []
        while true {
            let tag = try tag(&reader), length: UInt32 = try reader.integer()
            switch tag {
            case item: fragments.append(try reader.take(Int(length)))
            // The first item is a table of offsets.
            case sequenceEnd: return .encapsulated(Array(fragments.dropFirst()))
            default: throw .damaged("DICOM", "the pixel data have an element that is no item")
            }
        }
    }
}

/// How a DICOM file stores its elements and pixels, of those ways that are read.
enum DICOMTransferSyntax: String {
    case implicit = "1.2.840.10008.1.2"
    case explicit = "1.2.840.10008.1.2.1"
    case runLength = "1.2.840.10008.1.2.5"
    case jpegBaseline = "1.2.840.10008.1.2.4.50"
    case jpegExtended = "1.2.840.10008.1.2.4.51"
    case jpegLossless = "1.2.840.10008.1.2.4.57"
    case jpegLosslessFirstOrder = "1.2.840.10008.1.2.4.70"

    /// Throws `unsupportedImage`, which names the syntax.
    init(_ uid: String) throws(DataError) {
        if let known = Self(rawValue: uid) {
            self = known
            return
        }
        let root = "1.2.840.10008.1.2"
        let kind: String
        switch uid.hasPrefix(root) ? uid.dropFirst(root.count) : "" {
        case ".1.99": kind = "with deflated data"
        case ".2": kind = "with big-endian data"
        case ".4.80", ".4.81": kind = "in JPEG-LS"
        case ".4.90", ".4.91", ".4.92", ".4.93": kind = "in JPEG 2000"
        case ".4.201", ".4.202", ".4.203": kind = "in high-throughput JPEG 2000"
        case ".4.110", ".4.111", ".4.112": kind = "in JPEG XL"
        case let other where other.hasPrefix(".4.10"): kind = "as a video"
        default: kind = "of another transfer syntax"
        }
        throw .unsupported(
            "a DICOM image \(kind) (transfer syntax \(uid))",
            advice: "Convert it to explicit VR little endian, as 'gdcmconv --raw' does.")
    }
}
