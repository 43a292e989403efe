import ApusIR
import Foundation

/// A node of a graph, as the operations of the export see it.
struct ExportedNode {
    let exporter: GraphExporter
    let value: Value

    var node: Node { exporter.graph[value] }
    var type: TensorType { node.type }
    /// The extents of the result.
    var extents: [Extent] { exporter.extents(of: value) }

    /// The name of an operand, with all of its elements.
    func operand(_ index: Int) -> String { exporter.name(of: node.operands[index]) }
    func operandType(_ index: Int) -> TensorType { exporter.graph[node.operands[index]].type }
    func operandExtents(_ index: Int) -> [Extent] { exporter.extents(of: node.operands[index]) }

    /// The operands for an operator that broadcasts them to the shape of the result.
    func broadcastOperands() -> [String] {
        let small = node.operands.map(exporter.broadcastable)
        let common = small.map(\.shape).reduce([Int]()) { a, b -> [Int] in
            let rank = max(a.count, b.count)
            let x = [Int](repeating: 1, count: rank - a.count) + a, y = [Int](repeating: 1, count: rank - b.count) + b
            return zip(x, y).map { max($0, $1) }
        }
        // Where only broadcasts have the shape of the result, one of them is written out.
        return common == type.shape ? small.map(\.name) : [operand(0)] + small.dropFirst().map(\.name)
    }

    /// Adds a node of one result, and returns its name.
    func add(_ operation: String, _ inputs: [String], _ attributes: [OnnxAttributeProto] = []) -> String {
        exporter.add(operation, inputs, attributes, for: value)[0]
    }
    func add(_ operation: String, _ inputs: [String], _ attributes: [OnnxAttributeProto] = [], results: Int) -> [String]
    {
        exporter.add(operation, inputs, attributes, for: value, results: results)
    }

    func integers(_ values: [Int]) -> String { exporter.integers(values) }

    /// A value in another shape.
    func reshaped(_ name: String, _ extents: [Extent]) -> String {
        add("Reshape", [name, exporter.shape(extents, isReshape: true, for: value)])
    }

    /// A value with its axes in another order.
    func transposed(_ name: String, _ permutation: [Int]) -> String {
        permutation == Array(permutation.indices) ? name : add("Transpose", [name], [attribute("perm", permutation)])
    }

    /// A value repeated to the extents.
    func expanded(_ name: String, _ extents: [Extent]) -> String {
        add("Expand", [name, exporter.shape(extents, isReshape: false, for: value)])
    }

    /// The extent of axes that become one. Throws where the number of samples would be squared.
    func product(_ extents: some Sequence<Extent>) throws -> Extent {
        var fixed = 1, factor: Int?
        for extent in extents {
            switch extent {
            case .fixed(let number): fixed *= number
            case .samples(let number):
                guard factor == nil else {
                    throw unsupported("two axes of the open batch become one; export it with a fixed one")
                }
                factor = number
            }
        }
        return factor.map { .samples(factor: $0 * fixed) } ?? .fixed(fixed)
    }

    func unsupported(_ message: String) -> OnnxError {
        OnnxError(.unsupported, "\(node.operation.name): \(message)", place: node.location?.description ?? "")
    }
}

func attribute(_ name: String, _ value: Int) -> OnnxAttributeProto {
    var attribute = OnnxAttributeProto()
    (attribute.name, attribute.type, attribute.i) = (name, 2, Int64(value))
    return attribute
}

func attribute(_ name: String, _ value: Double) -> OnnxAttributeProto {
    var attribute = OnnxAttributeProto()
    (attribute.name, attribute.type, attribute.f) = (name, 1, Float(value))
    return attribute
}

func attribute(_ name: String, _ values: [Int]) -> OnnxAttributeProto {
    var attribute = OnnxAttributeProto()
    (attribute.name, attribute.type, attribute.ints) = (name, 7, values.map(Int64.init))
    return attribute
}

func attribute(_ name: String, _ text: String) -> OnnxAttributeProto {
    var attribute = OnnxAttributeProto()
    (attribute.name, attribute.type, attribute.s) = (name, 3, Data(text.utf8))
    return attribute
}
