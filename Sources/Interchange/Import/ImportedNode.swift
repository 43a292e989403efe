import ApusIR
import Foundation

/// A node of a file, as the operators of the import see it.
struct ImportedNode {
    let message: OnnxNodeProto
    let importer: GraphImporter
    /// The version of the set that its operator belongs to.
    let opset: Int

    var builder: GraphBuilder { importer.builder }

    /// The node as messages name it.
    func place(_ number: Int) -> String {
        let name = message.name.isEmpty ? "node \(number)" : "node '\(shown(message.name))'"
        return "\(name) (\(shown(message.opType)))"
    }

    func error(_ code: OnnxError.Code, _ message: String) -> OnnxError { OnnxError(code, message) }

    // MARK: Operands

    var inputCount: Int { message.input.count }

    func has(_ index: Int) -> Bool { index < message.input.count && !message.input[index].isEmpty }

    func value(_ index: Int) throws -> ImportedValue {
        guard has(index) else { throw error(.attribute, "its operand \(index + 1) is missing") }
        return try importer.value(message.input[index])
    }

    /// An operand as a value of the graph.
    func tensor(_ index: Int) throws -> Tensor { try importer.tensor(value(index)) }
    func optionalTensor(_ index: Int) throws -> Tensor? { has(index) ? try tensor(index) : nil }

    /// All operands as values of the graph.
    func tensors() throws -> [Tensor] {
        guard inputCount > 0 else { throw error(.attribute, "has no operands") }
        return try (0..<inputCount).map(tensor)
    }

    /// The shape of an operand, whatever it is.
    func shape(_ index: Int) throws -> [Int] {
        switch try value(index) {
        case .tensor(let tensor): tensor.shape
        case .known(let known): known.shape
        case .stored(let stored): stored.shape
        }
    }

    /// The numbers of an operand that must be known; nil for one that is left out.
    func known(_ index: Int, _ what: String) throws -> KnownTensor? {
        guard has(index) else { return nil }
        switch try value(index) {
        case .known(let known):
            try importer.spend(known.values.count)
            return known
        case .stored(let stored):
            let known = try stored.known()
            try importer.spend(known.values.count)
            return known
        case .tensor(let tensor):
            if let constant = builder.graph[tensor.value].operation as? Constant, constant.type.count <= 1 << 16 {
                let values =
                    constant.splat.map { [Double](repeating: $0, count: constant.type.count) } ?? constant.values
                return KnownTensor(constant.type.element.code, constant.type.shape, values)
            }
            throw error(
                .unsupported,
                "\(what) ('\(shown(message.input[index]))') depends on the input's numbers; shapes and the like are fixed at import"
            )
        }
    }

    func integers(_ index: Int, _ what: String) throws -> [Int]? { try known(index, what)?.integers }

    // MARK: Attributes

    private func attribute(_ name: String, _ type: Int32, _ what: String) throws -> OnnxAttributeProto? {
        guard let attribute = message.attribute.first(where: { $0.name == name }) else { return nil }
        guard attribute.type == type else { throw error(.attribute, "its attribute '\(name)' is not \(what)") }
        return attribute
    }

    /// Integers that can be added without care; what is larger means "as far as possible".
    private static func bounded(_ integer: Int64) -> Int { Int(min(max(integer, -1 << 52), 1 << 52)) }

    func integer(_ name: String) throws -> Int? {
        try attribute(name, 2, "an integer").map { Self.bounded($0.i) }
    }
    func integer(_ name: String, default value: Int) throws -> Int { try integer(name) ?? value }
    func flag(_ name: String, default value: Bool = false) throws -> Bool { try integer(name).map { $0 != 0 } ?? value }
    func number(_ name: String) throws -> Double? {
        guard let number = try attribute(name, 1, "a number")?.f else { return nil }
        // Decimal fractions are what their shortest text says: 0.1, not the nearest single.
        return Double("\(number)") ?? Double(number)
    }
    func number(_ name: String, default value: Double) throws -> Double { try number(name) ?? value }
    func integers(_ name: String) throws -> [Int]? {
        try attribute(name, 7, "a list of integers")?.ints.map(Self.bounded)
    }
    func numbers(_ name: String) throws -> [Double]? {
        try attribute(name, 6, "a list of numbers")?.floats.map { Double($0) }
    }
    func text(_ name: String) throws -> String? {
        try attribute(name, 3, "a text").map { String(decoding: $0.s, as: UTF8.self) }
    }
    func stored(_ name: String) throws -> StoredTensor? {
        try attribute(name, 4, "a tensor").map { try StoredTensor($0.t, path: importer.model.path) }
    }

    /// Fails if an attribute has another value than the one that is offered.
    func expect(_ name: String, is value: Int) throws {
        let given = try integer(name, default: value)
        guard given == value else {
            throw error(.unsupported, "its attribute '\(name)' is \(given); \(value) is imported")
        }
    }

    /// Fails if a result is used that is not offered.
    func expectResults(_ count: Int) throws {
        for (place, name) in message.output.enumerated() where place >= count && !name.isEmpty {
            throw error(.unsupported, "its result \(place + 1) ('\(shown(name))') is not imported")
        }
    }

    /// An axis by its number from the front.
    func axis(_ axis: Int, rank: Int) throws -> Int {
        let place = axis < 0 ? axis &+ rank : axis
        guard 0..<rank ~= place else { throw error(.attribute, "axis \(axis) is out of range for \(rank) axes") }
        return place
    }

    /// Axes by their numbers from the front, in ascending order, each once.
    func axes(_ axes: [Int], rank: Int) throws -> [Int] {
        let places = try axes.map { try axis($0, rank: rank) }.sorted()
        guard Set(places).count == places.count else { throw error(.attribute, "the axes \(axes) name one twice") }
        return places
    }
}

extension ImportedNode {
    /// A shape of the graph. Throws if it holds no elements, or too many.
    func checked(_ shape: [Int]) throws -> [Int] {
        guard shape.count <= 32, isShape(shape) else {
            throw error(.attribute, "the shape \(shapeText(Array(shape.prefix(33)))) holds no elements or too many")
        }
        return shape
    }
}
