import Foundation

/// A file of ONNX that a test writes field by field, with the message that reading it gives.
struct TextModel: CustomStringConvertible, Sendable {
    let name: String
    let bytes: Data
    let message: String
    var path: String { "m.onnx" }
    var description: String { name }

    /// A field of a message: a length and what is in it.
    static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(content.count)) + content
    }
    static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
    static func field(_ number: UInt8, integer: Int) -> [UInt8] {
        varint(UInt64(number) << 3) + varint(UInt64(bitPattern: Int64(integer)))
    }
    private static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value, bytes: [UInt8] = []
        while rest > 127 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func node(
        _ operation: String, _ inputs: [String], _ outputs: [String], name: String = "n", domain: String = "",
        _ attributes: [UInt8] = []
    ) -> [UInt8] {
        field(
            1,
            inputs.flatMap { field(1, $0) } + outputs.flatMap { field(2, $0) } + field(3, name) + field(4, operation)
                + attributes + (domain.isEmpty ? [] : field(7, domain)))
    }

    /// An attribute of integers.
    static func integers(_ name: String, _ values: [Int]) -> [UInt8] {
        field(5, field(1, name) + values.flatMap { field(8, integer: $0) } + integer20(7))
    }
    private static func integer20(_ type: Int) -> [UInt8] { varint(20 << 3) + varint(UInt64(type)) }

    static func value(_ field: UInt8, _ name: String, _ shape: [Int], type: Int = 1) -> [UInt8] {
        let dims = shape.flatMap { Self.field(1, Self.field(1, integer: $0)) }
        return Self.field(
            field,
            Self.field(1, name) + Self.field(2, Self.field(1, Self.field(1, integer: type) + Self.field(2, dims))))
    }

    static func tensor(_ name: String, _ type: Int, _ dims: [Int], _ rest: [UInt8]) -> [UInt8] {
        field(5, dims.flatMap { field(1, integer: $0) } + field(2, integer: type) + field(8, name) + rest)
    }

    static func model(_ graph: [UInt8], opset: Int = 17, domain: String = "") -> Data {
        Data(
            field(1, integer: 8) + field(8, (domain.isEmpty ? [] : field(1, domain)) + field(2, integer: opset))
                + field(7, graph))
    }

    private init(_ name: String, _ bytes: Data, _ message: String) {
        (self.name, self.bytes, self.message) = (name, bytes, "m.onnx: " + message)
    }

    private static func one(_ node: [UInt8], _ shape: [Int] = [2, 3]) -> Data {
        model(node + value(11, "x", shape) + value(12, "y", shape))
    }

    static func external(_ location: String, offset: String, length: String) -> Data {
        let entries = [("location", location), ("offset", offset), ("length", length)].flatMap { key, text in
            field(13, field(1, key) + field(2, text))
        }
        return model(
            node("Add", ["x", "w"], ["y"]) + tensor("w", 1, [4], entries + field(14, integer: 1)) + value(11, "x", [4])
                + value(12, "y", [4]))
    }

    static let cases = [
        TextModel(
            "an operator that is not known",
            one(node("FusedGelu", ["x"], ["y"], name: "/mlp/act", domain: "com.microsoft")),
            "node '/mlp/act' (FusedGelu): the operator 'FusedGelu' of the domain 'com.microsoft', opset not stated, is not imported; Docs/Interchange.md lists those that are"
        ),
        TextModel(
            "an operator of ONNX that is not known", one(node("NonZero", ["x"], ["y"], name: "")),
            "node 1 (NonZero): the operator 'NonZero' of the domain 'ai.onnx', opset 17, is not imported; Docs/Interchange.md lists those that are"
        ),
        TextModel(
            "a later version", model(node("Relu", ["x"], ["y"]) + value(11, "x", [2]) + value(12, "y", [2]), opset: 99),
            "asks for version 99 of ONNX's operators (opset); 13 to 25 are read. Export the model again with one of these"
        ),
        TextModel(
            "no version", model(node("Relu", ["x"], ["y"]), domain: "other"),
            "does not say which version of ONNX's operators it uses"),
        TextModel(
            "a cycle",
            model(
                node("Relu", ["b"], ["a"], name: "one") + node("Relu", ["a"], ["b"], name: "two") + value(12, "b", [2])),
            "node 'one' (Relu): 'b' is neither an input, nor an initializer, nor the result of a node before this one"),
        TextModel(
            "an initializer that is missing", one(node("Add", ["x", "w"], ["y"])),
            "node 'n' (Add): 'w' is neither an input, nor an initializer, nor the result of a node before this one"),
        TextModel("an output that nothing computes", model(value(12, "y", [2])), "nothing computes the output 'y'"),
        TextModel(
            "a value twice", one(node("Relu", ["x"], ["y"]) + node("Relu", ["x"], ["y"], name: "again")),
            "node 'again' (Relu): 'y' is defined twice"),
        TextModel(
            "a huge input", one(node("Relu", ["x"], ["y"]), [1 << 40, 1 << 40]),
            "the input 'x' has the impossible shape [1099511627776,1099511627776]"),
        TextModel(
            "a negative extent", one(node("Relu", ["x"], ["y"]), [-3]), "the input 'x' has the extent -3 along axis 0"),
        TextModel(
            "a huge initializer",
            model(
                node("Add", ["x", "w"], ["y"]) + tensor("w", 1, [1 << 30, 1 << 30], []) + value(11, "x", [2])
                    + value(12, "y", [2])),
            "the tensor 'w' has the impossible shape [1073741824, 1073741824]"),
        TextModel(
            "an initializer without its numbers",
            model(
                node("Add", ["x", "w"], ["y"]) + tensor("w", 1, [1 << 30], []) + value(11, "x", [2])
                    + value(12, "y", [2])),
            "node 'n' (Add): the tensor 'w', FLOAT[1073741824], takes 4294967296 bytes; the file has 0 for it"),
        TextModel(
            "a type that is not known",
            model(
                node("Add", ["x", "w"], ["y"]) + tensor("w", 77, [1], []) + value(11, "x", [2]) + value(12, "y", [2])),
            "the tensor 'w' has elements of the unknown type 77"),
        TextModel(
            "an order of axes that is none",
            one(node("Transpose", ["x"], ["y"], integers("perm", [0, 9223372036854775807]))),
            "node 'n' (Transpose): transpose: [0, 4503599627370496] is not an order of the axes of [2,3]"),
        TextModel(
            "shapes that do not fit",
            model(node("MatMul", ["x", "x"], ["y"]) + value(11, "x", [2, 3]) + value(12, "y", [2, 3])),
            "node 'n' (MatMul): matmul: inner dimensions 3 and 2 differ ([2,3] x [2,3])"),
        TextModel(
            "a huge stride",
            model(
                node("MaxPool", ["x"], ["y"], integers("kernel_shape", [2]) + integers("strides", [1 << 60]))
                    + value(11, "x", [1, 1, 4])
                    + value(12, "y", [1])),
            "node 'n' (MaxPool): its attribute 'strides' is [4503599627370496]; it takes 1 numbers from 1 on"),
        TextModel(
            "a shape that the input decides",
            model(
                node("Reshape", ["x", "s"], ["y"]) + value(11, "x", [2]) + value(11, "s", [1], type: 7)
                    + value(12, "y", [2])),
            "node 'n' (Reshape): the shape ('s') depends on the input's numbers; shapes and the like are fixed at import"
        ),
        TextModel(
            "an open dimension",
            model(
                node("Relu", ["x"], ["y"])
                    + field(
                        11, field(1, "x") + field(2, field(1, field(1, integer: 1) + field(2, field(1, field(2, "n")))))
                    ) + value(12, "y", [2])),
            "the file leaves the dimension 'n' of the input 'x' open; say how large it is, such as --dim n=1"),
    ]
}
