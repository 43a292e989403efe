import Foundation

/// The bytes of a regular file, mapped into memory for reading until the last reference goes.
///
/// Files of this project are replaced by renaming, never rewritten in place, so a mapping stays whole
/// while a newer version of the file is saved.
package final class MappedFile: @unchecked Sendable {  // the mapping is private, read-only and never changes
    private let bytes: UnsafeRawBufferPointer

    /// Throws when the path cannot be opened or mapped, or is not a regular file.
    package init(contentsOf path: String) throws(FileError) {
        let file = try OpenFile(path), size = file.byteCount
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), start != MAP_FAILED else {
            throw FileError(path: path, action: "map")
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// Calls `body` with the file's bytes, which stay mapped until it returns and no longer than the file.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}

/// A regular file that is open for reading until the last reference goes.
package final class OpenFile: Sendable {
    /// The system's number of the open file, and its size when it was opened.
    package let descriptor: Int32, byteCount: Int

    /// Throws when the path cannot be opened, or is not a regular file.
    package init(_ path: String) throws(FileError) {
        // A pipe without a writer would block the opening for ever; for a file this flag changes nothing.
        descriptor = open(path.systemName, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        var status = stat()
        let error: Int32
        if fstat(descriptor, &status) != 0 {
            error = errno
        } else {
            let kind = status.st_mode & S_IFMT
            error = kind == S_IFREG ? 0 : kind == S_IFDIR ? EISDIR : EINVAL
        }
        byteCount = Int(status.st_size)
        guard error == 0 else {
            close(descriptor)
            throw FileError(path: path, action: "read", number: error)
        }
    }

    deinit { close(descriptor) }
}
