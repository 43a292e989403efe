/// A tensor that the caller provides with every run.
public struct Input: Operation, NonDifferentiableOperation {
    public static let name = "input"
    public static let kind = OperationKind.leaf
    /// What the caller calls it.
    public var name: String
    /// Shape and element type.
    public var type: TensorType
    /// Integers that index something: they are from 0 to below this number, which a program checks before it runs.
    public var below: Int?
    /// A number that stands for no index, such as that of elements without a label.
    public var except: Int?

    /// An input of a name and type; of indices, with what they must be below.
    public init(_ name: String, _ type: TensorType, below: Int? = nil, except: Int? = nil) {
        self.name = name
        self.type = type
        self.below = below
        self.except = except
    }

    public var attributes: Attributes {
        [("name", .text(name))] + (below.map { [("below", .integer($0))] } ?? [])
            + (except.map { [("except", .integer($0))] } ?? [])
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        name = try attributes.text("name")
        below = attributes.contains { $0.name == "below" } ? try attributes.integer("below") : nil
        except = attributes.contains { $0.name == "except" } ? try attributes.integer("except") : nil
        self.type = type
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 0)
        if let below, type.element != .i32 || below < 1 {
            throw error(.attribute, "'\(name)', \(type), has no indices below \(below)")
        }
        if let except, below == nil || Int32(exactly: except) == nil {
            throw error(.attribute, "'\(name)', \(type), has no indices, so that there is none like \(except)")
        }
        return type
    }
    /// Inputs are bound by the interpreter; an unbound one is zero.
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { HostTensor(type) }
}
