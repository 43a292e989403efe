import CZlib

/// Bytes compressed by deflate, without a header, as zip archives hold them (RFC 1951); zlib does the work.
enum Deflate {
    /// Why compressed bytes do not stand for what they should.
    struct Fault: Error, Hashable { let message: String }

    /// The most bytes that a compressed one can stand for.
    private static let largestRatio = 1032
    /// Bytes that are added at a time, so that a false claim of size takes no memory.
    private static let portion = 1 << 20

    /// The `size` bytes that compressed ones stand for, or only the first `limit` of them.
    static func inflated(
        _ source: UnsafeRawBufferPointer, size: Int, limit: Int = .max
    ) throws(Fault) -> [UInt8] {
        guard size / largestRatio <= source.count + 1 else {
            throw Fault(message: "\(source.count) compressed bytes cannot stand for \(size)")
        }
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Fault(message: "there is no memory to decompress it in")
        }
        defer { inflateEnd(&stream) }
        let wanted = min(size, limit)
        var result: [UInt8] = [], rest = source, status = Z_OK
        // A byte beyond the size shows that there are too many.
        while status == Z_OK, result.count <= size {
            if wanted < size, result.count == wanted { return result }
            let room = min(portion, wanted - result.count + (wanted == size ? 1 : 0))
            let input = min(rest.count, portion)
            stream.next_in = UnsafeMutablePointer(mutating: rest.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input)
            let made = [UInt8](unsafeUninitializedCapacity: room) { target, count in
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(room)
                status = inflate(&stream, Z_NO_FLUSH)
                count = room - Int(stream.avail_out)
            }
            result += made
            let taken = input - Int(stream.avail_in)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            if status == Z_OK, made.isEmpty, taken == 0 { status = Z_BUF_ERROR }
        }
        guard status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw Fault(message: "its compressed bytes are damaged")
        }
        guard result.count == size, status == Z_STREAM_END else {
            throw Fault(
                message: result.count > size
                    ? "it is longer than the \(size) bytes that the archive gives for it"
                    : "its compressed bytes end after \(result.count) of \(size) bytes")
        }
        return result
    }

    /// Bytes, one part after the other, compressed; nil if there is no memory for that.
    static func deflated(_ parts: [UnsafeRawBufferPointer]) -> [UInt8]? {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var result: [UInt8] = []
        for (number, part) in parts.enumerated() {
            var rest = part
            let isLast = number == parts.count - 1
            var isDone = false
            while !isDone {
                let input = min(rest.count, portion), mode = isLast && input == rest.count ? Z_FINISH : Z_NO_FLUSH
                stream.next_in = UnsafeMutablePointer(mutating: rest.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input)
                var status = Z_OK
                let made = [UInt8](unsafeUninitializedCapacity: portion) { target, count in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(portion)
                    status = deflate(&stream, mode)
                    count = portion - Int(stream.avail_out)
                }
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
                result += made
                rest = UnsafeRawBufferPointer(rebasing: rest[(input - Int(stream.avail_in))...])
                isDone = mode == Z_FINISH ? status == Z_STREAM_END : rest.isEmpty
            }
        }
        return result
    }
}
