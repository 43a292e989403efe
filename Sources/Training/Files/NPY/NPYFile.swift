import ApusFiles
import ApusRuntime

/// One array in NumPy's own format (`.npy`), mapped for reading.
///
/// Versions 1.0 and 2.0 are read, in C's order, with elements f4, f8, i4 and i8 of either byte order, and b1. The
/// header is checked as a whole, so that a file from a stranger gives an error and never a wrong read.
public struct NPYFile: Sendable {
    /// The path that the file was read from.
    public let path: String
    private let file: MappedFile
    private let header: NPYHeader

    /// Opens and checks a file.
    public init(contentsOf path: String) throws(NPYError) {
        do {
            file = try MappedFile(contentsOf: path)
        } catch {
            throw NPYError(.unreadable, path: path, error.problem, cause: error)
        }
        header = try file.withBytes { (bytes) throws(NPYError) in try NPYHeader(bytes, path: path) }
        self.path = path
    }

    /// The extents, the slowest first.
    public var shape: [Int] { header.shape }
    /// The type of the elements: F32, F64, I32, I64 or BOOL.
    public var elementType: SafetensorsElementType { header.elementType }

    /// The elements in the order of the shape, little-endian.
    public var bytes: [UInt8] {
        file.withBytes { header.elements(in: $0) }
    }

    /// The array as a tensor: f4 and f8 as f32, i4 and i8 as i32, b1 as truth values.
    ///
    /// Throws `RuntimeError` for integers that i32 does not hold and for arrays without elements.
    public func tensor() throws(RuntimeError) -> TensorData { try header.tensor(bytes, what: path) }
}

extension NPYFile {
    /// Creates or replaces the file at `path` with a tensor. bf16, which NumPy does not have, is written as f4, which
    /// holds its numbers exactly.
    public static func write(_ tensor: TensorData, to path: String) throws(NPYError) {
        let head = NPYHeader.written(tensor.type)
        do {
            try AtomicFile.write(to: path) { (output) throws(FileError) in
                try output.write(head)
                if tensor.type.element == .bf16 {
                    try output.write(tensor.floats)
                } else {
                    try tensor.withBytes { (bytes) throws(FileError) in try output.write(bytes) }
                }
            }
        } catch {
            throw NPYError(.unwritable, path: path, error.problem, cause: error)
        }
    }
}
