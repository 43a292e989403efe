import Foundation

/// A cyclic redundancy check of 32 bits with reflected bits, by a table of eight bytes at a time (Kounavis and Berry
/// 2005).
struct CRC32: Sendable {
    /// The check of zip archives.
    static let zip = CRC32(polynomial: 0xEDB8_8320)
    /// CRC-32C, the check of TFRecord files (Castagnoli, Bräuer, Herrmann 1993).
    static let castagnoli = CRC32(polynomial: 0x82F6_3B78)

    /// Remainders of a byte with 0 to 7 bytes of zeros after it.
    private let tables: [UInt32]

    private init(polynomial: UInt32) {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ polynomial }
            tables[byte] = remainder
        }
        for index in 256..<8 * 256 {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        self.tables = tables
    }

    /// The check of bytes, or of others, which have the check `before`, and then these.
    func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
        var remainder = ~before
        var position = 0
        tables.withUnsafeBufferPointer { tables in
            while position + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                    ^ UInt64(remainder)
                remainder = 0
                for index in 0..<8 { remainder ^= tables[(7 - index) << 8 | Int(word >> (8 * UInt64(index)) & 0xFF)] }
                position += 8
            }
            while position < bytes.count {
                remainder = remainder >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: remainder) ^ bytes[position])]
                position += 1
            }
        }
        return ~remainder
    }

    func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }
}
