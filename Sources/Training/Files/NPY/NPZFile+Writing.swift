import ApusFiles
import ApusRuntime

extension NPZFile {
    /// Creates or replaces the file at `path` with tensors, in the order of their names, as `numpy.load` reads it.
    /// bf16, which NumPy does not have, is written as f4, which holds its numbers exactly.
    ///
    /// - Parameter compressed: Whether arrays are compressed by deflate, as `numpy.savez_compressed` does.
    /// - Throws: `.unwritable` if the system refuses, and `.invalidName` for a name that is empty, longer than 65,531
    ///   bytes, or a path that leads out of a folder.
    public static func write(
        _ tensors: [String: TensorData], to path: String, compressed: Bool = false
    ) throws(NPYError) {
        let all = tensors.sorted { $0.key < $1.key }
        for (name, _) in all where !isName(name) {
            throw NPYError(
                .invalidName, path: path,
                "no array can be called '\(name.shown)': a name is not empty, has up to 65,531 bytes, and no part '..', "
                    + "no '/' in front, no '\\' and no zero byte")
        }
        do {
            try AtomicFile.write(to: path) { (output) throws(FileError) in
                var archive = ZipWriter()
                for (name, tensor) in all {
                    try archive.append(name + ".npy", tensor, isCompressed: compressed, to: output)
                }
                try archive.finish(to: output)
            }
        } catch {
            throw NPYError(.unwritable, path: path, error.problem, cause: error)
        }
    }

    /// Whether ``NPZFile`` reads an array of the name.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 65_531 && !name.hasPrefix("/") && !name.contains("\\")
            && !name.contains("\0") && !name.split(separator: "/").contains("..")
    }
}

extension ZipWriter {
    /// Appends a tensor as a file of NumPy's format.
    fileprivate mutating func append(
        _ name: String, _ tensor: TensorData, isCompressed: Bool, to output: borrowing AtomicFile.Output
    ) throws(FileError) {
        let head = NPYHeader.written(tensor.type)
        try head.withUnsafeBufferPointer { (head) throws(FileError) in
            let head = UnsafeRawBufferPointer(head)
            // bf16 is widened; all others are written as they lie in memory.
            guard tensor.type.element == .bf16 else {
                return try tensor.withBytes { (bytes) throws(FileError) in
                    try append(name, [head, bytes], isCompressed: isCompressed, to: output)
                }
            }
            try tensor.floats.withUnsafeBufferPointer { (numbers) throws(FileError) in
                try append(name, [head, UnsafeRawBufferPointer(numbers)], isCompressed: isCompressed, to: output)
            }
        }
    }
}
