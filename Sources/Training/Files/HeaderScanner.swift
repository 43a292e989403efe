/// Reads the part of JSON that a safetensors header is made of: objects, strings and lists of integers.
///
/// A general JSON reader would keep the last of two equal names, round large integers, and build a tree
/// many times the size of a hostile header; this one reports the first two and builds no tree.
struct HeaderScanner {
    let bytes: UnsafeRawBufferPointer
    let path: String
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    func problem(_ message: String, tensor: String? = nil) -> SafetensorsError {
        SafetensorsError(
            code: .malformedHeader, path: path, tensor: tensor, message: "header, byte \(position): \(message)")
    }

    /// Reads an object, handing each member's name to `member`, which has to read the value.
    mutating func object(
        _ member: (inout HeaderScanner, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        if accept("}") { return }
        repeat {
            let name = try string()
            try expect(":")
            try member(&self, name)
        } while accept(",")
        try expect("}")
    }

    /// Reads `null`, if it is what comes next.
    mutating func null() -> Bool {
        skipBlanks()
        let text = Array("null".utf8), end = position + text.count
        guard end <= bytes.count, bytes[position..<end].elementsEqual(text) else { return false }
        position = end
        return true
    }

    /// Reads an object whose values are all strings.
    mutating func strings() throws(SafetensorsError) -> [String: String] {
        var result: [String: String] = [:]
        try object { (scanner, name) throws(SafetensorsError) in
            guard result.updateValue(try scanner.string(), forKey: name) == nil else {
                throw scanner.problem("\"\(name.prefix(40))\" stands twice")
            }
        }
        return result
    }

    /// Reads a list of at most `limit` integers.
    mutating func integers(atMost limit: Int) throws(SafetensorsError) -> [Int] {
        try expect("[")
        if accept("]") { return [] }
        var result: [Int] = []
        repeat {
            guard result.count < limit else { throw problem("a list of more than \(limit) numbers") }
            result.append(try integer())
        } while accept(",")
        try expect("]")
        return result
    }

    /// Reads a string in quotes, with its escapes resolved.
    mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw problem("text is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw problem("control character in a string")
            default: text.append(byte)
            }
        }
        throw problem("the header ends inside a string")
    }

    /// Checks that nothing but the padding of blanks is left.
    mutating func end() throws(SafetensorsError) {
        skipBlanks()
        guard position == bytes.count else { throw problem("text after the header's object") }
    }

    private mutating func integer() throws(SafetensorsError) -> Int {
        skipBlanks()
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: "]"),
            !isBlank(bytes[position]), position - start < 24
        { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Int(text), text.first != "+" else {
            throw problem("\"\(text)\" is not an integer of 64 bits")
        }
        return value
    }

    private mutating func escape(into text: inout [UInt8]) throws(SafetensorsError) {
        switch next() {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try hexadecimal()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") else {
                    throw problem("half of a surrogate pair")
                }
                units.append(try hexadecimal())
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw problem("half of a surrogate pair")
            }
            text.append(contentsOf: character.utf8)
        default: throw problem("unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(SafetensorsError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next(), let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw problem("\\u needs four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private mutating func skipBlanks() {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    }

    private mutating func accept(_ character: UnicodeScalar) -> Bool {
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: UnicodeScalar) throws(SafetensorsError) {
        guard accept(character) else { throw problem("expected '\(character)'") }
    }
}
