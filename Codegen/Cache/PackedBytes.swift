/// Numbers and texts one after the other, in few bytes: small numbers take one, a text that was written before goes by
/// its number.
final class ByteWriter {
    var bytes: [UInt8] = []
    private var texts: [String: Int] = [:]

    /// Seven bits a byte, of which the last one's eighth is 0 (LEB128); negative numbers take turns with the others.
    func write(_ number: Int) {
        var rest = UInt(bitPattern: number << 1 ^ number >> (Int.bitWidth - 1))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    func write(_ number: Double) {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
    }

    func write(_ text: String) {
        if let known = texts[text] { return write(known) }
        write(texts.count)
        texts[text] = texts.count
        write(text.utf8.count)
        bytes += text.utf8
    }

    func write(_ content: [UInt8]) {
        write(content.count)
        bytes += content
    }

    /// Room for a count that is not known yet; its place, for ``write(count:at:)``.
    func roomForCount() -> Int {
        defer { bytes += [UInt8](repeating: 0, count: 4) }
        return bytes.count
    }

    func write(count: Int, at place: Int) {
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: count >> (8 * byte)) }
    }
}

/// What a ``ByteWriter`` has written, in the same order.
final class ByteReader {
    private let bytes: [UInt8]
    private var place = 0
    private var texts: [String] = []

    /// The bytes end too early, or are not what a writer has written.
    struct Damage: Error {}

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func number() throws(Damage) -> Int {
        var number: UInt = 0, shift = 0
        while place < bytes.count, shift < UInt.bitWidth {
            let byte = bytes[place]
            place += 1
            number |= UInt(byte & 0x7f) << UInt(shift)
            if byte < 0x80 { return Int(bitPattern: number >> 1) ^ -Int(bitPattern: number & 1) }
            shift += 7
        }
        throw Damage()
    }

    /// What stands in the room for a count.
    func count() throws(Damage) -> Int {
        try content(count: 4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func double() throws(Damage) -> Double {
        let bits = try content(count: 8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return Double(bitPattern: bits)
    }

    func text() throws(Damage) -> String {
        let number = try number()
        if texts.indices.contains(number) { return texts[number] }
        guard number == texts.count else { throw Damage() }
        texts.append(String(decoding: try content(count: self.number()), as: UTF8.self))
        return texts[number]
    }

    /// The text that comes next, which is not taken.
    func nextText() throws(Damage) -> String {
        let (here, known) = (place, texts.count)
        defer {
            place = here
            texts.removeSubrange(known...)
        }
        return try text()
    }

    func content() throws(Damage) -> [UInt8] { Array(try content(count: number())) }

    private func content(count: Int) throws(Damage) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - place else { throw Damage() }
        defer { place += count }
        return bytes[place..<place + count]
    }
}
