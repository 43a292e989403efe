import Foundation

/// The bytes of a regular file, mapped into memory for reading until the last reference goes.
///
/// Files of this project are replaced by renaming, never rewritten in place, so a mapping stays whole
/// while a newer version of the file is saved.
package final class MappedFile: @unchecked Sendable {  // the mapping is private, read-only and never changes
    private let bytes: UnsafeRawBufferPointer

    /// Throws when the path cannot be opened or mapped, or is not a regular file.
    package init(contentsOf path: String) throws(FileError) {
        // A pipe without a writer would block the opening for ever; for a file this flag changes nothing.
        let descriptor = open(path.systemName, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, action: "read") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, action: "read", number: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        let size = Int(status.st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
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
