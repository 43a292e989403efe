/// What a linker needs of a relocatable object file in ELF, little-endian and of 64 bits (System V Application Binary
/// Interface, chapter 4): sections that are loaded, symbols, and relocations.
package struct ObjectFile: Hashable, Sendable, Codable {
    struct Section: Hashable, Codable {
        /// The number by which symbols and relocations name it.
        var number: Int
        var isCode: Bool
        var alignment: Int
        var content: [UInt8]
    }
    struct Symbol: Hashable, Codable {
        var name: String
        /// The section that it lies in; nil if it lies elsewhere.
        var section: Int?
        var value: Int
        /// Whether other objects may name it.
        var isGlobal: Bool
    }
    struct Relocation: Hashable, Codable {
        /// The section whose bytes change, and which of them.
        var section: Int, place: Int
        var kind: Int
        var symbol: Int
        var addend: Int
    }
    private(set) var machine = 0
    private(set) var sections: [Section] = []
    private(set) var symbols: [Symbol] = []
    private(set) var relocations: [Relocation] = []

    /// Reads an object file; throws `ObjectError` for what is none, or has something that kernels do not have.
    package init(_ bytes: [UInt8]) throws(ObjectError) {
        let reader = try ObjectReader(bytes)
        (machine, sections, symbols, relocations) =
            (reader.machine, reader.sections, reader.symbols, reader.relocations)
    }

    /// What a function needs of the file: its section, and what is reached from there.
    package func part(of function: String) -> ObjectFile {
        var needed: Set<Int> = []
        var open = symbols.filter { $0.isGlobal && $0.name == function }.compactMap(\.section)
        while let section = open.popLast() {
            guard needed.insert(section).inserted else { continue }
            for relocation in relocations where relocation.section == section {
                if symbols.indices.contains(relocation.symbol), let next = symbols[relocation.symbol].section {
                    open.append(next)
                }
            }
        }
        var part = self
        part.sections.removeAll { !needed.contains($0.number) }
        part.relocations.removeAll { !needed.contains($0.section) }
        // Relocations go by the numbers of symbols: what is not named any more leaves its number to the next.
        let named = Set(part.relocations.map(\.symbol))
        var numbers: [Int: Int] = [:]
        part.symbols = []
        for (number, symbol) in symbols.enumerated()
        where named.contains(number) || symbol.isGlobal && symbol.section.map(needed.contains) ?? false {
            numbers[number] = part.symbols.count
            part.symbols.append(symbol)
        }
        for index in part.relocations.indices {
            part.relocations[index].symbol = numbers[part.relocations[index].symbol] ?? -1
        }
        return part
    }
}

private struct ObjectReader {
    private(set) var machine = 0
    private(set) var sections: [ObjectFile.Section] = []
    private(set) var symbols: [ObjectFile.Symbol] = []
    private(set) var relocations: [ObjectFile.Relocation] = []
    private let bytes: [UInt8]

    private struct Header {
        var name: Int, type: Int, flags: Int, offset: Int, size: Int, link: Int, info: Int, alignment: Int
    }
    private enum Kind { static let program = 1, symbols = 2, relocations = 4, empty = 8 }
    private enum Flag { static let isWritten = 1, isLoaded = 2, isCode = 4 }

    init(_ bytes: [UInt8]) throws(ObjectError) {
        self.bytes = bytes
        guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]), bytes.count >= 64 else {
            throw ObjectError("not an object file in ELF of 64 bits")
        }
        machine = try number(at: 18, bytes: 2)
        guard try number(at: 16, bytes: 2) == 1 else { throw ObjectError("not a relocatable object file") }
        let table = try number(at: 40, bytes: 8), count = try number(at: 60, bytes: 2)
        guard table <= bytes.count, 64 * count <= bytes.count - table else {
            throw ObjectError("the file ends too early")
        }
        var headers: [Header] = []
        for section in 0..<count {
            let place = table + 64 * section
            func field(_ offset: Int, _ bytes: Int = 8) throws(ObjectError) -> Int {
                try number(at: place + offset, bytes: bytes)
            }
            headers.append(
                Header(
                    name: try field(0, 4), type: try field(4, 4), flags: try field(8), offset: try field(24),
                    size: try field(32), link: try field(40, 4), info: try field(44, 4), alignment: try field(48)))
        }
        for (section, header) in headers.enumerated() { try read(section, header, headers) }
    }

    private mutating func read(_ number: Int, _ header: Header, _ headers: [Header]) throws(ObjectError) {
        switch header.type {
        case Kind.program where header.flags & Flag.isLoaded != 0, Kind.empty where header.flags & Flag.isLoaded != 0:
            guard header.size > 0 else { return }
            guard header.flags & Flag.isWritten == 0, header.type == Kind.program else {
                throw ObjectError("section \(number) holds variables")
            }
            guard (1...4096).contains(max(1, header.alignment)) else {
                throw ObjectError("section \(number) wants to lie at a multiple of \(header.alignment) bytes")
            }
            sections.append(
                ObjectFile.Section(
                    number: number, isCode: header.flags & Flag.isCode != 0, alignment: max(1, header.alignment),
                    content: Array(try content(header))))
        case Kind.symbols:
            guard headers.indices.contains(header.link) else { throw ObjectError("symbols have no names") }
            let names = try content(headers[header.link]), table = try content(header)
            for place in stride(from: table.startIndex, to: table.endIndex - 23, by: 24) {
                let section = try self.number(at: place + 6, bytes: 2)
                symbols.append(
                    ObjectFile.Symbol(
                        name: text(names, try self.number(at: place, bytes: 4)),
                        section: (1..<headers.count).contains(section) ? section : nil,
                        value: try self.number(at: place + 8, bytes: 8),
                        isGlobal: try self.number(at: place + 4, bytes: 1) >> 4 != 0))
            }
        case Kind.relocations:
            guard headers.indices.contains(header.info) else { throw ObjectError("relocations of no section") }
            guard headers[header.info].flags & Flag.isLoaded != 0 else { return }
            let table = try content(header)
            for place in stride(from: table.startIndex, to: table.endIndex - 23, by: 24) {
                relocations.append(
                    ObjectFile.Relocation(
                        section: header.info, place: try self.number(at: place, bytes: 8),
                        kind: try self.number(at: place + 8, bytes: 4),
                        symbol: try self.number(at: place + 12, bytes: 4),
                        addend: Int(truncatingIfNeeded: try bits(at: place + 16, bytes: 8))))
            }
        default: break
        }
    }

    private func content(_ header: Header) throws(ObjectError) -> ArraySlice<UInt8> {
        guard header.offset <= bytes.count, header.size <= bytes.count - header.offset else {
            throw ObjectError("a section ends behind the file")
        }
        return bytes[header.offset..<header.offset + header.size]
    }

    private func text(_ names: ArraySlice<UInt8>, _ offset: Int) -> String {
        guard offset < names.count else { return "" }
        return String(decoding: names[(names.startIndex + offset)...].prefix { $0 != 0 }, as: UTF8.self)
    }

    private func bits(at place: Int, bytes count: Int) throws(ObjectError) -> UInt64 {
        guard place >= 0, place <= bytes.count - count else { throw ObjectError("the file ends too early") }
        return bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func number(at place: Int, bytes count: Int) throws(ObjectError) -> Int {
        let bits = try bits(at: place, bytes: count)
        guard bits < 1 << 47 else { throw ObjectError("a number of \(bits) means no place in a file") }
        return Int(bits)
    }
}

/// Object code that cannot be linked into an image.
public struct ObjectError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What stands in the way.
    public var description: String

    /// An error that says what stands in the way.
    package init(_ description: String) { self.description = description }
}
