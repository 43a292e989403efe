/// A table of values of interest (VOI LUT) of a DICOM image: how bright each intensity is (PS3.3, C.11.2.1.1).
struct DICOMTable: Sendable {
    /// The intensity of the first entry; those below it are as bright, and those above the last entry as the last.
    private let first: Int
    /// From 0, which is black, to 1.
    private let entries: [Double]

    /// Reads the first table of a data set, whose samples may be signed; nil if it has none.
    init?(_ data: DICOMDataSet, isSigned: Bool) throws(DataError) {
        guard let tables = data.tables, !tables.items.isEmpty else { return nil }
        var reader = ByteReader(Array(tables.items), format: "DICOM", order: .littleEndian)
        guard try DICOMDataSet.tag(&reader) == DICOMDataSet.item else { return nil }
        let length: UInt32 = try reader.integer()
        let end = length == DICOMDataSet.undefinedLength ? reader.bytes.count : reader.position + Int(length)
        var descriptor: [UInt16] = [], bytes: ArraySlice<UInt8> = [], isSigned = isSigned
        while reader.position < end {
            let tag = try DICOMDataSet.tag(&reader)
            if tag == DICOMDataSet.itemEnd { break }
            let header = try DICOMDataSet.header(&reader, isExplicit: tables.isExplicit)
            let value = try reader.take(Int(header.length))
            switch tag {
            case 0x0028_3002:
                descriptor = Self.words(value)
                if tables.isExplicit { isSigned = header.kind == "SS" }
            case 0x0028_3006: bytes = value
            default: break
            }
        }
        guard descriptor.count == 3, (8...16).contains(descriptor[2]) else {
            throw .damaged("DICOM", "its table of values of interest has no descriptor")
        }
        let count = descriptor[0] == 0 ? 1 << 16 : Int(descriptor[0])
        // Entries of 8 bits may be packed.
        let isPacked = descriptor[2] == 8 && bytes.count < 2 * count
        let numbers = isPacked ? bytes.map { UInt16($0) } : Self.words(bytes)
        guard numbers.count >= count else {
            throw .damaged("DICOM", "its table of values of interest has \(numbers.count) of \(count) entries")
        }
        let white = Double(1 << Int(descriptor[2]) - 1)
        first = isSigned ? Int(Int16(bitPattern: descriptor[1])) : Int(descriptor[1])
        entries = numbers.prefix(count).map { min(Double($0) / white, 1) }
    }

    /// How bright an intensity is, from 0 to 1.
    func brightness(of intensity: Double) -> Double {
        let last = Double(entries.count - 1)
        return entries[Int(min(max(intensity.rounded(.down) - Double(first), 0), last))]
    }

    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt16] {
        stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
        }
    }
}
