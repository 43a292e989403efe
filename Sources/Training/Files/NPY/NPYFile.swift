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
        file.withBytes { bytes in
            let elements = bytes[header.data], width = elementType.byteCount
            guard header.isBigEndian else { return Array(elements) }
            var swapped: [UInt8] = []
            swapped.reserveCapacity(elements.count)
            for start in stride(from: elements.startIndex, to: elements.endIndex, by: width) {
                swapped += elements[start..<start + width].reversed()
            }
            return swapped
        }
    }
}

extension NPYFile {
    /// Creates or replaces the file at `path` with a tensor. bf16, which NumPy does not have, is written as f4, which
    /// holds its numbers exactly.
    public static func write(_ tensor: TensorData, to path: String) throws(NPYError) {
        let type: String
        switch tensor.type.element {
        case .f32, .bf16: type = "<f4"
        case .f64: type = "<f8"
        case .i32: type = "<i4"
        case .bool: type = "|b1"
        }
        let extents = tensor.type.shape.map(String.init)
        let shape = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
        let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
        // The elements begin at a multiple of 64 bytes; the line that the header is ends before them.
        let start = (NPYHeader.magic.count + 4 + text.utf8.count + 1 + 63) / 64 * 64, length = start - 10
        let padding = String(repeating: " ", count: length - text.utf8.count - 1)
        let head =
            NPYHeader.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array((text + padding + "\n").utf8)
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
