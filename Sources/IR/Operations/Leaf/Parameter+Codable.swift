extension Parameter: Codable {
    private enum Key: String, CodingKey { case name, type, initializer, trainable }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            try container.decode(String.self, forKey: .name), try container.decode(TensorType.self, forKey: .type),
            try container.decode(Initializer.self, forKey: .initializer),
            trainable: try container.decode(Bool.self, forKey: .trainable))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(type, forKey: .type)
        try container.encode(initializer, forKey: .initializer)
        try container.encode(trainable, forKey: .trainable)
    }
}
