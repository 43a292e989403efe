import ApusDigest
import ApusFiles
import Foundation

/// What a cache of images keeps in one file: a few numbers, such as width and height, and bytes as they are used.
///
/// Nothing is compressed: to unpack what zlib makes of an image takes longer than to decode its JPEG file.
struct CacheEntry: Sendable {
    /// Four numbers, whose meaning is the value's.
    let numbers: [UInt32]
    let bytes: [UInt8]

    init(_ numbers: [Int], _ bytes: [UInt8]) {
        self.numbers = (0..<Self.numberCount).map { $0 < numbers.count ? UInt32(numbers[$0]) : 0 }
        self.bytes = bytes
    }

    /// The ending of an entry's file.
    static let suffix = ".pixels"

    /// Whether a file is an entry, by its name: others in the folder are somebody's.
    static func isName(_ name: String) -> Bool {
        name.hasSuffix(suffix) && name.utf8.count == 64 + suffix.utf8.count
            && name.utf8.prefix(64).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    // MARK: The file: magic, key, numbers, length and checksum of the bytes, checksum of all this; the bytes

    private static let magic = Array("apuspix1".utf8)
    private static let numberCount = 4
    private static let headerBytes = 8 + 32 + 4 * numberCount + 8 + 8 + 8

    /// How long the file is.
    var fileBytes: Int { Self.headerBytes + bytes.count }

    /// Writes the file's content. Throws when the system takes only a part of it.
    func write(_ key: Digest, to output: borrowing AtomicFile.Output) throws(FileError) {
        var header = Self.magic + key.bytes
        func append(_ number: some FixedWidthInteger) {
            header += withUnsafeBytes(of: number.littleEndian) { Array($0) }
        }
        for number in numbers { append(number) }
        append(UInt64(bytes.count))
        append(bytes.withUnsafeBytes { Checksum($0) }.value)
        append(header.withUnsafeBytes { Checksum($0) }.value)
        try output.write(header)
        try output.write(bytes)
    }

    /// What is found under a name.
    enum Found {
        case entry(CacheEntry)
        /// Something that was not written so.
        case damaged
        /// Nothing; or something that the system does not read now, such as when too many files are open.
        case missing
    }

    /// Reads an entry, which counts as used now. It has at most `most` bytes behind its header, which is read first: a
    /// file of another kind takes no memory.
    static func read(_ path: String, key: Digest, most: Int) -> Found {
        let file = open(path.systemName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return errno == ELOOP || errno == ENXIO ? .damaged : .missing }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return .missing }
        let size = Int(status.st_size)
        guard status.st_mode & S_IFMT == S_IFREG, size >= headerBytes, size - headerBytes <= most else {
            return .damaged
        }
        futimens(file, nil)
        guard let header = bytes(of: file, from: 0, count: headerBytes) else { return .missing }
        guard header.count == headerBytes else { return .damaged }
        func number<Number: FixedWidthInteger>(_ place: Int, _: Number.Type) -> Number {
            Number(littleEndian: header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Number.self) })
        }
        let start = magic.count + key.bytes.count, end = start + 4 * numberCount
        guard header.starts(with: magic + key.bytes),
            number(end + 16, UInt64.self) == header.prefix(end + 16).withUnsafeBytes({ Checksum($0) }).value,
            number(end, UInt64.self) == UInt64(size - headerBytes)
        else { return .damaged }
        guard let bytes = bytes(of: file, from: headerBytes, count: size - headerBytes) else { return .missing }
        guard bytes.count == size - headerBytes,
            number(end + 8, UInt64.self) == bytes.withUnsafeBytes({ Checksum($0) }).value
        else { return .damaged }
        return .entry(
            CacheEntry((0..<numberCount).map { Int(number(start + 4 * $0, UInt32.self)) }, bytes))
    }

    /// Some bytes of a file, fewer at its end; nil if the system does not read it.
    private static func bytes(of file: Int32, from start: Int, count: Int) -> [UInt8]? {
        var isRead = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            filled = 0
            while filled < count {
                let step = pread(file, target.baseAddress! + filled, count - filled, off_t(start + filled))
                if step > 0 {
                    filled += step
                } else if step == 0 {
                    break
                } else if errno != EINTR {
                    isRead = false
                    break
                }
            }
        }
        return isRead ? bytes : nil
    }
}

/// What a cache of images keeps.
protocol CachedValue: Sendable {
    /// The value of an entry; nil for one that cannot be of such a value.
    init?(_ entry: CacheEntry)
    /// What is kept of it.
    var entry: CacheEntry { get }
}
