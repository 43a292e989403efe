import ApusIR
import ApusRuntime

/// The header of a file in NumPy's format: a magic text, a version, a length, and a dictionary as Python writes it.
///
/// Nothing is believed before it is checked: the text is read by a scanner that knows these three keys only, the shape
/// must multiply without overflow, and the elements must fill the rest of the file exactly.
struct NPYHeader {
    let elementType: SafetensorsElementType
    let isBigEndian: Bool
    let shape: [Int]
    /// Where the elements lie in the file.
    let data: Range<Int>

    /// Axes that an array has at most, as in NumPy 2.
    private static let mostAxes = 64
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads the header at the beginning of a file; of one that is not there as a whole, `byteCount` says its length.
    init(_ bytes: UnsafeRawBufferPointer, byteCount: Int? = nil, path: String) throws(NPYError) {
        func malformed(_ message: String) -> NPYError { NPYError(.malformedHeader, path: path, "header: \(message)") }
        guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
            throw NPYError(.malformedHeader, path: path, "not a file of NumPy's format (.npy): its first bytes differ")
        }
        let (major, minor) = (bytes[6], bytes[7])
        guard (major == 1 || major == 2) && minor == 0 else {
            throw NPYError(.unsupported, path: path, "version \(major).\(minor) of the format; 1.0 and 2.0 are read")
        }
        let start = major == 1 ? 10 : 12
        guard bytes.count >= start else { throw malformed("the file ends inside of it") }
        var length = 0
        for place in 8..<start { length |= Int(bytes[place]) << (8 * (place - 8)) }
        guard length <= bytes.count - start else {
            throw malformed("\(length) bytes long, but the file has only \(bytes.count - start) more")
        }
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
        var dictionary = HeaderDictionary(text)
        do throws(HeaderDictionary.Fault) { try dictionary.read(mostAxes: Self.mostAxes) } catch {
            throw malformed("byte \(dictionary.place): \(error.message)")
        }
        guard let type = dictionary.type, let isFortranOrder = dictionary.isFortranOrder, let shape = dictionary.shape
        else { throw malformed("'descr', 'fortran_order' or 'shape' is missing") }
        guard let (element, isBig) = Self.element(type) else {
            throw NPYError(
                .unsupported, path: path,
                "elements of type '\(type)'; f4, f8, i4 and i8 in either byte order and b1 are read")
        }
        guard !isFortranOrder || shape.count < 2 else {
            throw NPYError(
                .unsupported, path: path,
                "the elements lie in Fortran's order; write the file with numpy.ascontiguousarray(array)")
        }
        let end = byteCount ?? bytes.count, found = end - start - length
        guard let wanted = element.byteCount(of: shape), wanted == found else {
            throw NPYError(
                .wrongSize, path: path, "\(found) bytes of elements do not fill the shape \(shape) of '\(type)'")
        }
        (elementType, isBigEndian, self.shape) = (element, isBig, shape)
        data = start + length..<end
    }

    /// The elements of the whole file, little-endian.
    func elements(in bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let elements = bytes[data], width = elementType.byteCount
        guard isBigEndian else { return Array(elements) }
        var swapped: [UInt8] = []
        swapped.reserveCapacity(elements.count)
        for start in stride(from: elements.startIndex, to: elements.endIndex, by: width) {
            swapped += elements[start..<start + width].reversed()
        }
        return swapped
    }

    /// Elements, little-endian, as a tensor of the type that programs take.
    func tensor(_ elements: [UInt8], what: String) throws(RuntimeError) -> TensorData {
        let type: ElementType =
            switch elementType {
            case .i32, .i64: .i32
            case .bool: .bool
            default: .f32
            }
        guard !shape.contains(0) else { throw RuntimeError(.type, "\(what) is \(shape), without any element") }
        return try TensorData(elementType, shape, elements, as: TensorType(type, shape), what: what)
    }

    /// The bytes before the elements of a tensor.
    static func written(_ tensor: TensorType) -> [UInt8] {
        let type: String
        switch tensor.element {
        case .f32, .bf16: type = "<f4"
        case .f64: type = "<f8"
        case .i32: type = "<i4"
        case .bool: type = "|b1"
        }
        let extents = tensor.shape.map(String.init)
        let shape = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
        let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
        // The elements begin at a multiple of 64 bytes; the line that the header is ends before them.
        let start = (magic.count + 4 + text.utf8.count + 1 + 63) / 64 * 64, length = start - 10
        let padding = String(repeating: " ", count: length - text.utf8.count - 1)
        return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array((text + padding + "\n").utf8)
    }

    private static func element(_ text: String) -> (type: SafetensorsElementType, isBigEndian: Bool)? {
        if text == "|b1" { return (.bool, false) }
        let types: [Substring: SafetensorsElementType] = ["f4": .f32, "f8": .f64, "i4": .i32, "i8": .i64]
        guard text.first == "<" || text.first == ">", let type = types[text.dropFirst()] else { return nil }
        return (type, text.first == ">")
    }
}
