/// Reads the dictionary of a header.
struct HeaderDictionary {
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
