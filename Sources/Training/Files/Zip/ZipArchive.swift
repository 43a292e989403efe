/// The directory of a zip archive whose entries are stored as they are or compressed by deflate (PKWARE's APPNOTE
/// 6.3.10, with zip64).
///
/// Sizes and places are believed only when central directory, local headers and the file agree: no entry reaches beyond
/// the file or into another one. Nothing is ever written to a path that the archive names.
struct ZipArchive {
    /// The most entries, and the longest directory, that are read: far beyond any checkpoint.
    static let maximumEntries = 1 << 18, maximumDirectory = 1 << 26

    /// An entry whose content is compressed by deflate.
    struct Compressed: Sendable {
        /// Where the compressed bytes lie, with the checksum of what they stand for.
        let section: FileSection
        /// Bytes of what they stand for.
        let size: Int
    }

    /// Names of all entries, in the order of the directory.
    private(set) var names: [String] = []
    /// Where the contents of entries lie that are stored as they are.
    private(set) var entries: [String: FileSection] = [:]
    /// Entries that are compressed by deflate, where they are read.
    private(set) var deflated: [String: Compressed] = [:]
    /// Names of entries that are compressed in a way that is not read.
    private(set) var unread: [String] = []

    private let bytes: UnsafeRawBufferPointer

    /// Reads the directory of a whole file's `bytes`. With `readsDeflated`, entries that are compressed by deflate are
    /// looked at too; otherwise they are among ``unread``.
    init(of bytes: UnsafeRawBufferPointer, readsDeflated: Bool = false) throws(ZipError) {
        self.bytes = bytes
        let directory = try self.directory()
        var spans: [(header: Int, end: Int, name: String)] = []
        var position = directory.range.lowerBound, seen: Set<String> = []
        for _ in 0..<directory.count {
            let record = try centralRecord(at: position, in: directory.range)
            position = record.end
            names.append(record.name)
            guard record.method == 0 || record.method == 8 && readsDeflated else {
                unread.append(record.name)
                continue
            }
            guard seen.insert(record.name).inserted else {
                throw .malformed("the entry \"\(record.name.shown)\" stands twice")
            }
            let section = FileSection(
                range: try content(of: record, before: directory.range.lowerBound), checksum: record.checksum)
            if record.method == 0 {
                entries[record.name] = section
            } else {
                deflated[record.name] = Compressed(section: section, size: record.size)
            }
            spans.append((record.header, section.range.upperBound, record.name))
        }
        guard position == directory.range.upperBound else {
            throw .malformed("the directory is longer than its entries")
        }
        spans.sort { ($0.header, $0.end) < ($1.header, $1.end) }
        for (previous, next) in zip(spans, spans.dropFirst()) where next.header < previous.end {
            throw .malformed("the entries \"\(previous.name.shown)\" and \"\(next.name.shown)\" overlap")
        }
    }

    // MARK: The end of the file

    private func directory() throws(ZipError) -> (range: Range<Int>, count: Int) {
        guard let end = endRecord() else {
            throw .noDirectory
        }
        guard let disk = bytes.unsigned(UInt16.self, at: end + 4),
            let countOnDisk = bytes.unsigned(UInt16.self, at: end + 8),
            let count = bytes.unsigned(UInt16.self, at: end + 10), let size = bytes.unsigned(UInt32.self, at: end + 12),
            let start = bytes.unsigned(UInt32.self, at: end + 16)
        else { throw .malformed("its last record is cut off") }
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF { return try directory64(before: end) }
        guard disk == 0, countOnDisk == count else { throw .malformed("it is one part of several") }
        return (try range(start, size, before: end), try checked(count: count))
    }

    /// Where the last record is: it ends with a comment of up to 65535 bytes, which ends the file.
    private func endRecord() -> Int? {
        guard bytes.count >= 22 else { return nil }
        for position in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 0xFFFF), by: -1)
        where bytes[position] == 0x50 && bytes.unsigned(UInt32.self, at: position) == 0x0605_4B50 {
            if bytes.unsigned(UInt16.self, at: position + 20) == bytes.count - position - 22 { return position }
        }
        return nil
    }

    private func directory64(before end: Int) throws(ZipError) -> (range: Range<Int>, count: Int) {
        guard bytes.unsigned(UInt32.self, at: end - 20) == 0x0706_4B50,
            let record = bytes.unsigned(UInt64.self, at: end - 12),
            record <= end - 20, bytes.unsigned(UInt32.self, at: record) == 0x0606_4B50,
            let countOnDisk = bytes.unsigned(UInt64.self, at: record + 24),
            let count = bytes.unsigned(UInt64.self, at: record + 32),
            let size = bytes.unsigned(UInt64.self, at: record + 40),
            let start = bytes.unsigned(UInt64.self, at: record + 48), countOnDisk == count
        else { throw .malformed("its zip64 record is missing or wrong") }
        return (try range(start, size, before: record), try checked(count: count))
    }

    private func range(_ start: Int, _ size: Int, before end: Int) throws(ZipError) -> Range<Int> {
        guard start <= end, size <= end - start else {
            throw .malformed("its directory lies beyond the end of the file")
        }
        guard size <= Self.maximumDirectory else { throw .tooLarge("a directory of \(size) bytes") }
        return start..<start + size
    }

    private func checked(count: Int) throws(ZipError) -> Int {
        guard count <= Self.maximumEntries else { throw .tooLarge("\(count) entries") }
        return count
    }

    // MARK: Entries

    private struct CentralRecord {
        let name: String, method: Int, checksum: UInt32
        /// Bytes of the content, and of how it lies in the file.
        let size: Int, stored: Int
        let header: Int, end: Int
    }

    private func centralRecord(at position: Int, in directory: Range<Int>) throws(ZipError) -> CentralRecord {
        guard position <= directory.upperBound - 46, bytes.unsigned(UInt32.self, at: position) == 0x0201_4B50,
            let flags = bytes.unsigned(UInt16.self, at: position + 8),
            let method = bytes.unsigned(UInt16.self, at: position + 10),
            let checksum = bytes.unsigned(UInt32.self, at: position + 16),
            let stored = bytes.unsigned(UInt32.self, at: position + 20),
            let size = bytes.unsigned(UInt32.self, at: position + 24),
            let nameCount = bytes.unsigned(UInt16.self, at: position + 28),
            let extraCount = bytes.unsigned(UInt16.self, at: position + 30),
            let commentCount = bytes.unsigned(UInt16.self, at: position + 32),
            let header = bytes.unsigned(UInt32.self, at: position + 42),
            position + 46 + nameCount + extraCount + commentCount <= directory.upperBound
        else { throw .malformed("a record of its directory is cut off") }
        let name = try self.name(position + 46..<position + 46 + nameCount)
        guard flags & 0x2041 == 0 else { throw .encrypted(name: name) }

        // Fields with all bits set stand in the zip64 extra, in this order.
        var wide = try zip64Fields(position + 46 + nameCount..<position + 46 + nameCount + extraCount)
        func field(_ value: Int) throws(ZipError) -> Int {
            guard value == 0xFFFF_FFFF else { return value }
            guard !wide.isEmpty else { throw .malformed("a zip64 size is missing") }
            return wide.removeFirst()
        }
        let fullSize = try field(size), fullStored = try field(stored), fullHeader = try field(header)
        guard method != 0 || fullSize == fullStored else {
            throw .malformed("\"\(name.shown)\" is stored as it is and has two sizes, \(fullSize) and \(fullStored)")
        }
        return CentralRecord(
            name: name, method: method, checksum: UInt32(checksum), size: fullSize, stored: fullStored,
            header: fullHeader, end: position + 46 + nameCount + extraCount + commentCount)
    }

    private func name(_ range: Range<Int>) throws(ZipError) -> String {
        guard let name = String(validating: bytes[range], as: UTF8.self), !name.isEmpty, !name.contains("\0") else {
            throw .malformed("the name of an entry is not text")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.hasPrefix("/"), !name.contains("\\"), !parts.contains("..") else {
            throw .outside(name: name)
        }
        return name
    }

    private func zip64Fields(_ extra: Range<Int>) throws(ZipError) -> [Int] {
        var position = extra.lowerBound
        while position + 4 <= extra.upperBound, let id = bytes.unsigned(UInt16.self, at: position),
            let count = bytes.unsigned(UInt16.self, at: position + 2)
        {
            guard position + 4 + count <= extra.upperBound else { throw .malformed("an extra field is cut off") }
            if id == 1 {
                return try (0..<count / 8).map { (index) throws(ZipError) in
                    guard let value = bytes.unsigned(UInt64.self, at: position + 4 + 8 * index) else {
                        throw .malformed("a zip64 size is impossible")
                    }
                    return value
                }
            }
            position += 4 + count
        }
        return []
    }

    /// Where an entry's content lies, by its local header.
    private func content(of record: CentralRecord, before directory: Int) throws(ZipError) -> Range<Int> {
        func malformed(_ message: String) -> ZipError { .malformed("\"\(record.name.shown)\" \(message)") }
        let header = record.header
        guard header <= directory - 30, bytes.unsigned(UInt32.self, at: header) == 0x0403_4B50,
            let flags = bytes.unsigned(UInt16.self, at: header + 6),
            let method = bytes.unsigned(UInt16.self, at: header + 8),
            let stored = bytes.unsigned(UInt32.self, at: header + 18),
            let size = bytes.unsigned(UInt32.self, at: header + 22),
            let nameCount = bytes.unsigned(UInt16.self, at: header + 26),
            let extraCount = bytes.unsigned(UInt16.self, at: header + 28)
        else { throw malformed("does not lie where the directory says") }
        let start = header + 30 + nameCount + extraCount
        guard start <= directory, record.stored <= directory - start else {
            throw malformed("claims \(record.stored) bytes, more than the file has there")
        }
        guard bytes[header + 30..<header + 30 + nameCount].elementsEqual(record.name.utf8), method == record.method
        else {
            throw malformed("is another entry in its own header than in the directory")
        }
        // With bit 3, sizes may follow the content instead; wide ones are in the extra field.
        let isDeferred = flags & 8 != 0
        for (claimed, known) in [(stored, record.stored), (size, record.size)]
        where !(claimed == known || claimed == 0xFFFF_FFFF || isDeferred && claimed == 0) {
            throw malformed("claims \(claimed) bytes in its own header and \(known) in the directory")
        }
        return start..<start + record.stored
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian unsigned integer at any offset; nil beyond the bytes, or if it does not fit an `Int`.
    func unsigned<Integer: FixedWidthInteger & UnsignedInteger>(_ type: Integer.Type, at offset: Int) -> Int? {
        guard offset >= 0, offset <= count - MemoryLayout<Integer>.size else { return nil }
        return Int(exactly: Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self)))
    }
}
