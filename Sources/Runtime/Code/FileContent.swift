import ApusFiles

/// The bytes of a file in memory, of which copies can be had that cost nothing until they are written to.
///
/// Files of this project are replaced by renaming, never rewritten in place, so the content stays what it was.
final class FileContent: @unchecked Sendable {  // the file stays open, and nobody writes to the memory
    private let file: OpenFile
    private let memory: Memory

    /// Throws `FileError` when the path cannot be opened or is no regular file, `RuntimeError` if it cannot be mapped.
    init(of path: String) throws {
        file = try OpenFile(path)
        memory = try Self.memory(file)
    }

    private static func memory(_ file: OpenFile) throws(RuntimeError) -> Memory {
        // An empty file cannot be mapped.
        if file.byteCount == 0 { return try Memory(byteCount: 0) }
        return try Memory(contentOf: file.descriptor, byteCount: file.byteCount)
    }

    /// The content; valid for as long as this object.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.pointer, count: memory.byteCount) }

    /// Memory with the content, to be written to: the file stays as it is.
    func copy() throws(RuntimeError) -> Memory { try Self.memory(file) }
}
