import ApusFiles
import Foundation

/// The bytes of a file in memory, of which copies can be had that cost nothing until they are written to.
///
/// Files of this project are replaced by renaming, never rewritten in place, so the content stays what it was.
final class FileContent: @unchecked Sendable {  // the descriptor stays open, and nobody writes to the memory
    private let descriptor: Int32
    private let memory: Memory

    /// Throws `FileError` when the path cannot be opened or is no regular file, `RuntimeError` if it cannot be mapped.
    init(of path: String) throws {
        // A pipe without a writer would block the opening for ever; for a file this flag changes nothing.
        let descriptor = open(path.systemName, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        do {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, action: "read") }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw FileError(
                    path: path, action: "read", number: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
            }
            // An empty file cannot be mapped.
            let size = Int(status.st_size)
            memory = try size == 0 ? Memory(byteCount: 0) : Memory(contentOf: descriptor, byteCount: size)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The content; valid for as long as this object.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.pointer, count: memory.byteCount) }

    /// Memory with the content, to be written to: the file stays as it is.
    func copy() throws(RuntimeError) -> Memory { try Memory(contentOf: descriptor, byteCount: memory.byteCount) }
}
