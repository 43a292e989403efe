/// A tensor that lives as long as the program's state: a weight, or what an optimizer keeps about it.
public struct Parameter: Operation, NonDifferentiableOperation {
    public static let name = "parameter"
    public static let kind = OperationKind.leaf
    /// Name as PyTorch's state dict has it, such as `blocks.3.attn.qkv.weight`.
    public var name: String
    /// Shape and element type.
    public var type: TensorType
    /// How it starts.
    public var initializer: Initializer
    /// Whether training changes it; position tables and optimizer state are not trainable.
    public var trainable: Bool

    /// A parameter of a name and type, with how it starts.
    public init(_ name: String, _ type: TensorType, _ initializer: Initializer, trainable: Bool = true) {
        self.name = name
        self.type = type
        self.initializer = initializer
        self.trainable = trainable
    }

    public var attributes: Attributes {
        [("name", .text(name)), ("init", .text(initializer.text)), ("trainable", .flag(trainable))]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        name = try attributes.text("name")
        initializer = try Initializer(text: attributes.text("init"))
        trainable = try attributes.flag("trainable")
        self.type = type
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 0)
        if let problem = initializer.problem(for: type) {
            throw error(.attribute, "'\(name)', \(type), cannot be filled by \(initializer.text): \(problem)")
        }
        return type
    }
    /// Parameters are bound by the interpreter; an unbound one is zero.
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { HostTensor(type) }
}

extension Parameter {
    /// The name of seed and number of the run, by which layers draw random numbers.
    package static let randomKeyName = "random.key"

    /// What names of parameters begin with that are not the model's, but are kept about it: by an optimizer, as
    /// averages, as sums of gradients, and for random draws.
    package static let prefixesOfRuns = ["optimizer.", "ema.", "accumulated.", "random."]

    package var isOfRun: Bool { Self.prefixesOfRuns.contains { name.hasPrefix($0) } }
}
