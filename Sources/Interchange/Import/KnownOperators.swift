import ApusIR
import Foundation

/// A node all of whose operands are known.
struct KnownNode {
    let operands: [KnownTensor?]
    let node: ImportedNode

    func operand(_ index: Int) throws -> KnownTensor {
        guard index < operands.count, let operand = operands[index] else {
            throw OnnxError(.attribute, "its operand \(index + 1) is missing")
        }
        return operand
    }
    func optional(_ index: Int) -> KnownTensor? { index < operands.count ? operands[index] : nil }

    /// Axes of the second operand, or of the attribute as in older versions.
    func axes(rank: Int) throws -> [Int]? {
        try (optional(1)?.integers ?? node.integers("axes")).map { try node.axes($0, rank: rank) }
    }
}

/// The operators that shapes are computed with, for numbers that are known when a file is read. One that returns nil
/// leaves the node to the graph.
enum KnownOperators {
    typealias Operator = @Sendable (KnownNode) throws -> [KnownTensor]?

    static let all: [String: Operator] = [
        "Identity": { [try $0.operand(0)] },
        "Cast": cast,
        "Concat": concatenate,
        "Gather": gather,
        "Slice": slice,
        "Transpose": transpose,
        "Squeeze": squeeze,
        "Unsqueeze": unsqueeze,
        "Reshape": reshape,
        "Shape": { [KnownTensor(try $0.node.shapeRange(of: $0.operand(0).shape))] },
        "Size": { [KnownTensor(.int64, [], [Double(try $0.operand(0).values.count)])] },
        "ConstantOfShape": constantOfShape,
        "Range": range,
        "Expand": { try broadcast($0, to: $0.operand(0), $0.operand(1).integers) },
        "Where": select,
        "ReduceProd": { try reduce($0, 1, *) }, "ReduceSum": { try reduce($0, 0, +) },
        "ReduceMax": { try reduce($0, -.infinity, max) }, "ReduceMin": { try reduce($0, .infinity, min) },
        "Add": { try binary($0, +) }, "Sub": { try binary($0, -) }, "Mul": { try binary($0, *) },
        "Div": divide, "Mod": modulo,
        "Min": { try binary($0, min) }, "Max": { try binary($0, max) },
        "Pow": { try binary($0) { Foundation.pow($0, $1) } },
        "Equal": { try binary($0, gives: .bool) { $0 == $1 ? 1 : 0 } },
        "Less": { try binary($0, gives: .bool) { $0 < $1 ? 1 : 0 } },
        "LessOrEqual": { try binary($0, gives: .bool) { $0 <= $1 ? 1 : 0 } },
        "Greater": { try binary($0, gives: .bool) { $0 > $1 ? 1 : 0 } },
        "GreaterOrEqual": { try binary($0, gives: .bool) { $0 >= $1 ? 1 : 0 } },
        "And": { try binary($0) { $0 != 0 && $1 != 0 ? 1 : 0 } },
        "Or": { try binary($0) { $0 != 0 || $1 != 0 ? 1 : 0 } },
        "Not": { try unary($0) { $0 == 0 ? 1 : 0 } },
        "Neg": { try unary($0, -) }, "Abs": { try unary($0, abs) }, "Sqrt": { try unary($0) { $0.squareRoot() } },
        "Floor": { try unary($0) { $0.rounded(.down) } }, "Ceil": { try unary($0) { $0.rounded(.up) } },
        "Round": { try unary($0) { $0.rounded(.toNearestOrEven) } }, "Exp": { try unary($0, Foundation.exp) },
        "Log": { try unary($0, Foundation.log) }, "Reciprocal": { try unary($0) { 1 / $0 } },
    ]

    // MARK: Element by element

    private static func unary(_ node: KnownNode, _ function: (Double) -> Double) throws -> [KnownTensor]? {
        let x = try node.operand(0)
        return [KnownTensor(x.code, x.shape, x.values.map { x.code.rounded(function($0)) })]
    }

    private static func binary(
        _ node: KnownNode, gives code: ElementCode? = nil, _ function: (Double, Double) -> Double
    ) throws -> [KnownTensor]? {
        guard node.operands.count == 2 else { return nil }
        let (x, y) = (try node.operand(0), try node.operand(1))
        guard let shape = broadcastShape(x.shape, y.shape), let a = broadcast(x, to: shape),
            let b = broadcast(y, to: shape)
        else { return nil }
        let code = code ?? x.code
        return [KnownTensor(code, shape, zip(a.values, b.values).map { code.rounded(function($0, $1)) })]
    }

    private static func divide(_ node: KnownNode) throws -> [KnownTensor]? {
        guard try node.operand(0).code.isInteger else { return try binary(node, /) }
        guard try !node.operand(1).values.contains(0) else { throw OnnxError(.attribute, "an integer is divided by 0") }
        return try binary(node, /)
    }

    private static func modulo(_ node: KnownNode) throws -> [KnownTensor]? {
        guard try !node.operand(1).values.contains(0) else { throw OnnxError(.attribute, "an integer is divided by 0") }
        if try node.node.flag("fmod") { return try binary(node) { $0.truncatingRemainder(dividingBy: $1) } }
        return try binary(node) { $0 - ($0 / $1).rounded(.down) * $1 }
    }

    private static func select(_ node: KnownNode) throws -> [KnownTensor]? {
        let (test, x, y) = (try node.operand(0), try node.operand(1), try node.operand(2))
        guard let both = broadcastShape(x.shape, y.shape), let shape = broadcastShape(both, test.shape),
            let a = broadcast(test, to: shape), let b = broadcast(x, to: shape), let c = broadcast(y, to: shape)
        else { return nil }
        let values = a.values.indices.map { a.values[$0] != 0 ? b.values[$0] : c.values[$0] }
        return [KnownTensor(x.code, shape, values)]
    }

    private static func cast(_ node: KnownNode) throws -> [KnownTensor]? {
        let x = try node.operand(0), code = try node.node.castCode()
        return [KnownTensor(code, x.shape, x.values.map(code.rounded))]
    }

    // MARK: Broadcasting

    /// The shape that two have in common; nil if there is none, or it is too large to compute with.
    static func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int]? {
        let rank = max(a.count, b.count)
        let x = [Int](repeating: 1, count: rank - a.count) + a, y = [Int](repeating: 1, count: rank - b.count) + b
        guard zip(x, y).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
        let shape = zip(x, y).map { $0 == 1 ? $1 : $0 }
        return knownCount(shape) == nil ? nil : shape
    }

    static func broadcast(_ x: KnownTensor, to shape: [Int]) -> KnownTensor? {
        if x.shape == shape { return x }
        guard let count = knownCount(shape), x.shape.count <= shape.count else { return nil }
        let missing = shape.count - x.shape.count, own = rowMajorStrides(x.shape)
        var strides = [Int](repeating: 0, count: shape.count)
        for axis in x.shape.indices {
            guard x.shape[axis] == shape[axis + missing] || x.shape[axis] == 1 else { return nil }
            if x.shape[axis] > 1 { strides[axis + missing] = own[axis] }
        }
        var values = [Double](repeating: 0, count: count)
        if count > 0 { forEachIndex(shape) { index, place in values[place] = x.values[position(index, strides)] } }
        return KnownTensor(x.code, shape, values)
    }

    private static func broadcast(_ node: KnownNode, to x: KnownTensor, _ shape: [Int]) throws -> [KnownTensor]? {
        guard let common = broadcastShape(x.shape, shape) else { return nil }
        return broadcast(x, to: common).map { [$0] }
    }

    private static func reduce(
        _ node: KnownNode, _ start: Double, _ combine: (Double, Double) -> Double
    ) throws -> [KnownTensor]? {
        let x = try node.operand(0), rank = x.shape.count
        let axes = try node.axes(rank: rank) ?? Array(0..<rank)
        // Shapes are reduced as a whole.
        guard axes.count == rank else { return nil }
        let keeps = try node.node.flag("keepdims", default: true)
        return [KnownTensor(x.code, keeps ? x.shape.map { _ in 1 } : [], [x.values.reduce(start, combine)])]
    }
}
