/// Pickles as their bytes, written by hand so that they may be wrong in any way (Python's Lib/pickletools.py).
package enum Pickled {
    package typealias Bytes = [UInt8]

    package static let none: Bytes = Array("N".utf8), mark: Bytes = Array("(".utf8)

    package static func integer(_ value: Int) -> Bytes {
        // LONG1: two's complement, the lowest byte first.
        [0x8A, 8] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    package static func number(_ value: Double) -> Bytes {
        Array("G".utf8) + (0..<8).reversed().map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt64($0))) }
    }

    package static func text(_ text: String) -> Bytes {
        Array("X".utf8) + little(UInt32(text.utf8.count)) + Array(text.utf8)
    }
    package static func global(_ module: String, _ name: String) -> Bytes { Array("c\(module)\n\(name)\n".utf8) }
    package static func list(_ items: [Bytes]) -> Bytes { Array("](".utf8) + items.joined() + Array("e".utf8) }
    package static func tuple(_ items: [Bytes]) -> Bytes { mark + items.joined() + Array("t".utf8) }
    package static func dictionary(_ members: [(Bytes, Bytes)]) -> Bytes {
        Array("}(".utf8) + members.flatMap { $0 + $1 } + Array("u".utf8)
    }
    package static func dictionary(_ members: [(String, Bytes)]) -> Bytes { dictionary(members.map { (text($0), $1) }) }
    package static func call(_ callable: Bytes, _ arguments: [Bytes]) -> Bytes {
        callable + tuple(arguments) + Array("R".utf8)
    }

    /// `argparse.Namespace(...)`.
    package static func namespace(_ members: [(String, Bytes)]) -> Bytes {
        global("argparse", "Namespace") + tuple([]) + [0x81] + dictionary(members) + Array("b".utf8)
    }

    package static func storage(_ type: String, _ key: String, count: Int, module: String = "torch") -> Bytes {
        tuple([text("storage"), global(module, type), text(key), text("cpu"), integer(count)]) + Array("Q".utf8)
    }

    package static func tensor(
        _ key: String = "0", type: String = "FloatStorage", count: Int, offset: Int = 0, shape: [Int], strides: [Int]
    ) -> Bytes {
        call(
            global("torch._utils", "_rebuild_tensor_v2"),
            [
                storage(type, key, count: count), integer(offset), tuple(shape.map(integer)),
                tuple(strides.map(integer)), [0x89],
                call(global("collections", "OrderedDict"), []),
            ])
    }

    /// A whole pickle of protocol 2.
    package static func file(_ value: Bytes) -> Bytes { [0x80, 2] + value + Array(".".utf8) }

    package static func little<Integer: FixedWidthInteger>(_ value: Integer) -> Bytes {
        (0..<MemoryLayout<Integer>.size).map { UInt8(truncatingIfNeeded: value >> Integer(8 * $0)) }
    }
}

/// Zip archives of stored entries, each field of which can be made wrong.
package struct ZipBytes {
    package struct Entry {
        package var name: String
        package var content: [UInt8]
        /// What central directory and local header say.
        package var central: Header, local: Header

        package struct Header {
            package var flags: UInt16 = 0, method: UInt16 = 0
            package var checksum: UInt32
            package var stored: UInt32, size: UInt32
            package var name: [UInt8]
            package var extra: [UInt8] = []
        }

        package init(_ name: String, _ content: [UInt8]) {
            (self.name, self.content) = (name, content)
            central = Header(
                checksum: checksum(content), stored: UInt32(content.count), size: UInt32(content.count),
                name: Array(name.utf8))
            local = central
        }
    }

    package var entries: [Entry]
    /// Places of local headers in the central directory that are not the true ones, by name.
    package var falsePlaces: [String: Int] = [:]
    package var isWide = false

    package init(_ entries: [(String, [UInt8])]) { self.entries = entries.map { Entry($0, $1) } }

    /// A checkpoint with the pickle of a value and storages by key.
    package init(checkpoint value: [UInt8], storages: [(String, [UInt8])] = [], byteOrder: String? = "little") {
        let order = byteOrder.map { [("c/byteorder", Array($0.utf8))] } ?? []
        self.init(
            [("c/data.pkl", Pickled.file(value))] + order + storages.map { ("c/data/\($0)", $1) } + [
                ("c/version", Array("3\n".utf8))
            ])
    }

    package subscript(name: String) -> Entry {
        get { entries[entries.firstIndex { $0.name == name }!] }
        set { entries[entries.firstIndex { $0.name == name }!] = newValue }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = [], directory: [UInt8] = []
        func fields(_ header: Entry.Header) -> [UInt8] {
            Pickled.little(UInt16(20)) + Pickled.little(header.flags) + Pickled.little(header.method) + [0, 0, 0, 0]
                + Pickled.little(header.checksum)
                + Pickled.little(header.stored) + Pickled.little(header.size)
                + Pickled.little(UInt16(header.name.count))
                + Pickled.little(UInt16(header.extra.count))
        }
        for entry in entries {
            let place = UInt32(falsePlaces[entry.name] ?? bytes.count)
            bytes +=
                Pickled.little(UInt32(0x0403_4B50)) + fields(entry.local) + entry.local.name + entry.local.extra
                + entry.content
            directory +=
                Pickled.little(UInt32(0x0201_4B50)) + Pickled.little(UInt16(20)) + fields(entry.central)
                + [UInt8](repeating: 0, count: 10)
                + Pickled.little(isWide ? .max : place) + entry.central.name + entry.central.extra
        }
        let start = bytes.count
        bytes += directory
        if isWide {
            let record = bytes.count, count = UInt64(entries.count)
            bytes += Pickled.little(UInt32(0x0606_4B50)) + Pickled.little(UInt64(44)) + [UInt8](repeating: 0, count: 12)
            bytes +=
                Pickled.little(count) + Pickled.little(count) + Pickled.little(UInt64(directory.count))
                + Pickled.little(UInt64(start))
            bytes +=
                Pickled.little(UInt32(0x0706_4B50)) + [0, 0, 0, 0] + Pickled.little(UInt64(record))
                + Pickled.little(UInt32(1))
        }
        let count = isWide ? UInt16.max : UInt16(entries.count)
        return bytes + Pickled.little(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + Pickled.little(count)
            + Pickled.little(count)
            + Pickled.little(isWide ? UInt32.max : UInt32(directory.count))
            + Pickled.little(isWide ? UInt32.max : UInt32(start)) + [0, 0]
    }

    /// The same archive with sizes and places of 64 bits.
    package var widened: ZipBytes {
        var wide = self
        var place = 0
        for index in wide.entries.indices {
            let count = UInt64(wide.entries[index].content.count)
            let sizes = Pickled.little(count) + Pickled.little(count)
            wide.entries[index].local.extra = Pickled.little(UInt16(1)) + Pickled.little(UInt16(16)) + sizes
            wide.entries[index].central.extra =
                Pickled.little(UInt16(1)) + Pickled.little(UInt16(24)) + sizes + Pickled.little(UInt64(place))
            for path in [\Entry.local, \Entry.central] {
                wide.entries[index][keyPath: path].stored = .max
                wide.entries[index][keyPath: path].size = .max
            }
            place += 30 + wide.entries[index].local.name.count + 20 + wide.entries[index].content.count
        }
        wide.isWide = true
        return wide
    }
}

/// CRC-32 (or, by its polynomial, CRC-32C), bit by bit.
package func checksum(_ bytes: [UInt8], polynomial: UInt32 = 0xEDB8_8320) -> UInt32 {
    ~bytes.reduce(UInt32.max) { remainder, byte in
        (0..<8).reduce(remainder ^ UInt32(byte)) { remainder, _ in
            remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ polynomial
        }
    }
}

/// The bytes of little-endian numbers.
package func littleEndian(_ floats: [Float]) -> [UInt8] { floats.flatMap { Pickled.little($0.bitPattern) } }

/// Files in the format of PyTorch before 1.6, any part of which can be made wrong.
package struct LegacyBytes {
    /// The five pickles: the number that means "torch", the version, the machine, the contents, the storages' keys.
    package var pickles: [[UInt8]]
    /// The number of elements that each storage claims to have, and its bytes.
    package var storages: [(count: Int, bytes: [UInt8])]

    package init(_ value: [UInt8], storages: [(key: String, count: Int, bytes: [UInt8])] = []) {
        let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let machine = Pickled.dictionary([("protocol_version", Pickled.integer(1001)), ("little_endian", [0x88])])
        let keys = Pickled.list(storages.map { Pickled.text($0.key) })
        pickles = [magic, Pickled.integer(1001), machine, value, keys].map(Pickled.file)
        self.storages = storages.map { ($0.count, $0.bytes) }
    }

    package var bytes: [UInt8] {
        pickles.flatMap { $0 } + storages.flatMap { Pickled.little(UInt64(bitPattern: Int64($0.count))) + $0.bytes }
    }
}
