/// Reads numbers and pieces of a file in order; what lies behind the end is an error of the format.
struct ByteReader {
    enum Order { case littleEndian, bigEndian }

    let bytes: [UInt8]
    private let format: String
    private let order: Order
    /// The place of the next byte.
    private(set) var position: Int

    init(_ bytes: [UInt8], format: String, order: Order, position: Int = 0) {
        (self.bytes, self.format, self.order) = (bytes, format, order)
        self.position = min(position, bytes.count)
    }

    /// How many bytes are left.
    var left: Int { bytes.count - position }

    /// The next number.
    mutating func integer<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) throws(DataError) -> T {
        let piece = try take(T.bitWidth / 8)
        switch order {
        case .bigEndian: return piece.reduce(0) { $0 << 8 | T($1) }
        case .littleEndian: return piece.reversed().reduce(0) { $0 << 8 | T($1) }
        }
    }

    /// The next `count` bytes.
    mutating func take(_ count: Int) throws(DataError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw .damaged(format, "the file ends too early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Goes to a place, counted from the first byte.
    mutating func move(to place: Int) throws(DataError) {
        guard place >= 0, place <= bytes.count else { throw .damaged(format, "the file ends too early") }
        position = place
    }
}
