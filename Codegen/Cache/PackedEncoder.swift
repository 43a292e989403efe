/// Writes values whose coding is synthesized as bytes that say nothing about themselves: fields follow each other in
/// the order in which they were declared, and only the same build reads them again, with a ``PackedDecoder``.
///
/// It knows the types of fields that programs have: whole numbers, texts, truth values, numbers, bytes, arrays,
/// optional fields, and enumerations; dictionaries and sets have no order, and are none of them.
struct PackedEncoder: Encoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private let output: ByteWriter

    init(_ output: ByteWriter) { self.output = output }

    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let output = ByteWriter()
        try PackedEncoder(output).encode(value)
        return output.bytes
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Fields(encoder: self))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { Elements(encoder: self) }
    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    private func encode(optional value: (some Encodable)?) throws {
        output.write(value == nil ? 0 : 1)
        if let value { try encode(value) }
    }

    private static func refused(_ value: Any) -> EncodingError {
        EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "values of its type are not packed"))
    }

    private struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: PackedEncoder
        var codingPath: [any CodingKey] { [] }

        func encodeNil(forKey key: Key) throws { throw refused(key) }
        func encode(_ value: some Encodable, forKey key: Key) throws { try encoder.encode(value) }
        // For basic types the protocol has methods of its own, which write nothing for nil.
        func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try encoder.encode(optional: value) }
        func encodeIfPresent(_ value: String?, forKey key: Key) throws { try encoder.encode(optional: value) }
        func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try encoder.encode(optional: value) }
        func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try encoder.encode(optional: value) }
        func encodeIfPresent(_ value: (some Encodable)?, forKey key: Key) throws { try encoder.encode(optional: value) }
        /// The fields of a case of an enumeration, behind its name.
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            encoder.output.write(key.stringValue)
            return encoder.container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
        func superEncoder() -> any Encoder { encoder }
        func superEncoder(forKey key: Key) -> any Encoder { encoder }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let encoder: PackedEncoder
        private(set) var count = 0
        private let place: Int
        var codingPath: [any CodingKey] { [] }

        init(encoder: PackedEncoder) {
            self.encoder = encoder
            place = encoder.output.roomForCount()
        }

        mutating func encode(_ value: some Encodable) throws {
            try encoder.encode(value)
            count += 1
            encoder.output.write(count: count, at: place)
        }
        func encodeNil() throws { throw refused(count) }
        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            encoder.container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
        func superEncoder() -> any Encoder { encoder }
    }
}

extension PackedEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { throw Self.refused(codingPath) }

    func encode<Value: Encodable>(_ value: Value) throws {
        switch value {
        case let number as Int: output.write(number)
        case let text as String: output.write(text)
        case let flag as Bool: output.write(flag ? 1 : 0)
        case let number as Double: output.write(number)
        // An empty array can be cast to an array of anything.
        case let content as [UInt8] where Value.self == [UInt8].self: output.write(content)
        case is any BinaryInteger, is any BinaryFloatingPoint: throw Self.refused(value)
        default: try value.encode(to: self)
        }
    }
}
