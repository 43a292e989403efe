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

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(NPYError) {
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
        let found = bytes.count - start - length
        guard let wanted = element.byteCount(of: shape), wanted == found else {
            throw NPYError(
                .wrongSize, path: path, "\(found) bytes of elements do not fill the shape \(shape) of '\(type)'")
        }
        (elementType, isBigEndian, self.shape) = (element, isBig, shape)
        data = start + length..<bytes.count
    }

    private static func element(_ text: String) -> (type: SafetensorsElementType, isBigEndian: Bool)? {
        if text == "|b1" { return (.bool, false) }
        let types: [Substring: SafetensorsElementType] = ["f4": .f32, "f8": .f64, "i4": .i32, "i8": .i64]
        guard text.first == "<" || text.first == ">", let type = types[text.dropFirst()] else { return nil }
        return (type, text.first == ">")
    }
}

/// Reads the dictionary of a header.
private struct HeaderDictionary {
    struct Fault: Error { var message: String }

    private let bytes: UnsafeRawBufferPointer
    private(set) var place = 0
    private(set) var type: String?
    private(set) var isFortranOrder: Bool?
    private(set) var shape: [Int]?

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func read(mostAxes: Int) throws(Fault) {
        try expect("{")
        while !accept("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where type == nil: type = try string()
            case "fortran_order" where isFortranOrder == nil:
                if accept("True") {
                    isFortranOrder = true
                } else {
                    try expect("False")
                    isFortranOrder = false
                }
            case "shape" where shape == nil: shape = try tuple(mostAxes)
            default: throw Fault(message: "'\(key)' is unknown or stands twice")
            }
            if accept(",") { continue }
            try expect("}")
            break
        }
        skipBlanks()
        guard place == bytes.count else { throw Fault(message: "text after the dictionary") }
    }

    private mutating func tuple(_ most: Int) throws(Fault) -> [Int] {
        try expect("(")
        var extents: [Int] = []
        while !accept(")") {
            guard extents.count < most else { throw Fault(message: "more than \(most) axes") }
            extents.append(try integer())
            if accept(",") { continue }
            try expect(")")
            break
        }
        return extents
    }

    private mutating func integer() throws(Fault) -> Int {
        skipBlanks()
        let start = place
        while place < bytes.count, (0x30...0x39).contains(bytes[place]), place - start < 20 { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        guard let value = Int(text) else { throw Fault(message: "expected an extent, found '\(text)'") }
        return value
    }

    /// A text in quotes; none that belongs into a header is longer than 40 bytes or has an escape.
    private mutating func string() throws(Fault) -> String {
        skipBlanks()
        guard place < bytes.count, bytes[place] == UInt8(ascii: "'") || bytes[place] == UInt8(ascii: "\"") else {
            throw Fault(message: "expected a text in quotes")
        }
        let quote = bytes[place], start = place + 1
        place = start
        while place < bytes.count, bytes[place] != quote, (0x20..<0x7F).contains(bytes[place]), place - start < 40 {
            place += 1
        }
        guard place < bytes.count, bytes[place] == quote else { throw Fault(message: "a text in quotes does not end") }
        place += 1
        return String(decoding: bytes[start..<place - 1], as: UTF8.self)
    }

    private mutating func skipBlanks() {
        while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    private mutating func accept(_ token: String) -> Bool {
        skipBlanks()
        guard bytes[place...].starts(with: token.utf8) else { return false }
        place += token.utf8.count
        return true
    }

    private mutating func expect(_ token: String) throws(Fault) {
        guard accept(token) else { throw Fault(message: "expected '\(token)'") }
    }
}
