extension TensorType: Codable {
    /// The type of its text form, such as `f32[16,50,768]`; nil for anything else.
    public init?(text: String) {
        guard let bracket = text.firstIndex(of: "["), text.hasSuffix("]"),
            let element = ElementType(rawValue: String(text[..<bracket]))
        else { return nil }
        let list = text[text.index(after: bracket)...].dropLast()
        let extents = list.isEmpty ? [] : list.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let shape = extents.compactMap(\.self)
        guard shape.count == extents.count else { return nil }
        self.init(element, shape)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer(), text = try container.decode(String.self)
        guard let type = TensorType(text: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no type of a tensor")
        }
        self = type
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
