/// Numbers that are part of the graph: one for all elements, or one for each in row-major order.
public struct Constant: Operation, NonDifferentiableOperation {
    public static let name = "constant"
    public static let kind = OperationKind.generated
    /// Shape and element type.
    public var type: TensorType
    /// The numbers in row-major order, or a single one for all elements.
    public var values: [Double]

    /// One number throughout.
    public init(_ type: TensorType, splat value: Double) {
        self.type = type
        values = [value]
    }

    /// Numbers in row-major order, as many as the type has elements.
    public init(_ type: TensorType, values: [Double]) {
        self.type = type
        self.values = values
    }

    /// The number that all elements have, if they all have the same.
    public var splat: Double? { values.count == 1 ? values[0] : nil }

    public var attributes: Attributes {
        [values.count == 1 ? ("value", .number(values[0])) : ("values", .numbers(values))]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        self.type = type
        values =
            attributes.first?.name == "values" ? try attributes.numbers("values") : [try attributes.number("value")]
        guard attributes.first?.name == "value" || values.count != 1 else {
            throw GraphError(.syntax, "a single number is given as 'value'")
        }
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 0)
        guard values.count == 1 || values.count == type.count else {
            throw error(.attribute, "\(values.count) values for \(type)")
        }
        if !type.element.isFloatingPoint, let value = values.first(where: { type.element.rounded($0) != $0 }) {
            throw error(.elementType, "\(value) is not a number of \(type.element)")
        }
        return type
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        if let splat { return HostTensor(type, fill: splat) }
        return HostTensor(type, values)
    }
}

extension Constant {
    /// Equality of bits: 0 and −0 are different numbers, and NaN is the same as NaN.
    public static func == (a: Constant, b: Constant) -> Bool {
        a.type == b.type && a.values.elementsEqual(b.values) { bits($0) == bits($1) }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        for value in values { hasher.combine(Self.bits(value)) }
    }

    private static func bits(_ value: Double) -> UInt64 { value.isNaN ? Double.nan.bitPattern : value.bitPattern }
}
