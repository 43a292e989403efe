/// Reads what a ``PackedEncoder`` has written, as the same types. Throws ``ByteReader/Damage`` for anything else that
/// it notices; whoever keeps such bytes knows whether they are whole.
struct PackedDecoder: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private let input: ByteReader

    static func value<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try PackedDecoder(input: ByteReader(bytes)).decode(type)
    }

    private init(input: ByteReader) { self.input = input }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Fields(decoder: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        Elements(decoder: self, count: try input.count())
    }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func optional<Value: Decodable>(_ type: Value.Type) throws -> Value? {
        try input.number() == 0 ? nil : decode(type)
    }

    private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: PackedDecoder
        var codingPath: [any CodingKey] { [] }

        /// The case of an enumeration; nobody else asks.
        var allKeys: [Key] { (try? decoder.input.nextText()).flatMap { Key(stringValue: $0) }.map { [$0] } ?? [] }
        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder.decode(type) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try decoder.optional(type) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try decoder.optional(type) }
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try decoder.optional(type) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try decoder.optional(type) }
        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            try decoder.optional(type)
        }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> {
            guard try decoder.input.text() == key.stringValue else { throw ByteReader.Damage() }
            return decoder.container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try decoder.unkeyedContainer()
        }
        func superDecoder() -> any Decoder { decoder }
        func superDecoder(forKey key: Key) -> any Decoder { decoder }
    }

    private struct Elements: UnkeyedDecodingContainer {
        let decoder: PackedDecoder
        let count: Int?
        private(set) var currentIndex = 0
        var codingPath: [any CodingKey] { [] }
        var isAtEnd: Bool { currentIndex == count }

        init(decoder: PackedDecoder, count: Int) { (self.decoder, self.count) = (decoder, count) }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            currentIndex += 1
            return try decoder.decode(type)
        }
        func decodeNil() -> Bool { false }
        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedDecodingContainer<Nested> {
            decoder.container(keyedBy: type)
        }
        func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try decoder.unkeyedContainer() }
        func superDecoder() -> any Decoder { decoder }
    }
}

extension PackedDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value: Any? =
            switch type {
            case is Int.Type: try input.number()
            case is String.Type: try input.text()
            case is [UInt8].Type: try input.content()
            case is Bool.Type: try input.number() != 0
            case is Double.Type: try input.double()
            case is any BinaryInteger.Type, is any BinaryFloatingPoint.Type: throw ByteReader.Damage()
            default: nil
            }
        return try value as? Value ?? Value(from: self)
    }
}
