import ApusFiles

/// Writes a zip archive, one entry after the other, with sizes of 64 bits throughout (PKWARE's APPNOTE 6.3.10).
struct ZipWriter: ~Copyable {
    private var directory: [UInt8] = []
    private var count = 0
    private var position = 0

    /// Version 4.5 of the format is needed for sizes of 64 bits; names are UTF-8.
    private static let version: UInt16 = 45, flags: UInt16 = 0x0800
    /// The first day that the format has.
    private static let time: UInt32 = 0x0021_0000

    /// Appends an entry whose content is some parts one after the other. With `isCompressed`, deflate makes it smaller.
    ///
    /// Throws the failure of the system; a name has up to 65,535 bytes.
    mutating func append(
        _ name: String, _ parts: [UnsafeRawBufferPointer], isCompressed: Bool, to output: borrowing AtomicFile.Output
    ) throws(FileError) {
        let size = parts.reduce(0) { $0 + $1.count }
        let checksum = parts.reduce(0 as UInt32) { CRC32.zip.checksum($1, after: $0) }
        // Where there is no memory to compress it in, it is stored as it is.
        let deflated = isCompressed ? Deflate.deflated(parts) : nil
        let stored = deflated?.count ?? size

        var shared = LittleEndianBytes()
        shared.append(Self.version)
        shared.append(Self.flags)
        shared.append(deflated == nil ? 0 as UInt16 : 8)
        shared.append(Self.time)
        shared.append(checksum)
        shared.append(UInt64.max)  // both sizes stand in the fields of 64 bits
        shared.append(UInt16(name.utf8.count))

        var header = LittleEndianBytes()
        header.append(0x0403_4B50 as UInt32)
        header.bytes += shared.bytes
        header.append(20 as UInt16)
        header.bytes += name.utf8
        header.appendWide([size, stored])
        try output.write(header.bytes)
        if let deflated {
            try output.write(deflated)
        } else {
            for part in parts { try output.write(part) }
        }

        var record = LittleEndianBytes()
        record.append(0x0201_4B50 as UInt32)
        record.append(Self.version)
        record.bytes += shared.bytes
        record.append(28 as UInt16)
        record.bytes += [UInt8](repeating: 0, count: 10)
        record.append(UInt32.max)
        record.bytes += name.utf8
        record.appendWide([size, stored, position])
        directory += record.bytes
        position += header.bytes.count + stored
        count += 1
    }

    /// Appends the directory, which ends the archive.
    consuming func finish(to output: borrowing AtomicFile.Output) throws(FileError) {
        var end = LittleEndianBytes(bytes: directory)
        end.append(0x0606_4B50 as UInt32)
        end.append(44 as UInt64)
        end.append(Self.version)
        end.append(Self.version)
        end.append(0 as UInt64)
        for number in [count, count, directory.count, position] { end.append(UInt64(number)) }

        end.append(0x0706_4B50 as UInt32)
        end.append(0 as UInt32)
        end.append(UInt64(position + directory.count))
        end.append(1 as UInt32)

        end.append(0x0605_4B50 as UInt32)
        end.append(0 as UInt32)
        end.append(UInt32.max)  // two counts, and then size and place of the directory: see the record before
        end.append(UInt64.max)
        end.append(0 as UInt16)
        try output.write(end.bytes)
    }
}

/// Bytes of integers, the lowest first.
private struct LittleEndianBytes {
    var bytes: [UInt8] = []

    mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    /// Appends the field of sizes and places of 64 bits.
    mutating func appendWide(_ values: [Int]) {
        append(1 as UInt16)
        append(UInt16(8 * values.count))
        for value in values { append(UInt64(value)) }
    }
}
