import ApusIR

/// The type of an input, with the extents that were given for open dimensions.
struct InputType {
    let type: TensorType

    init(_ input: OnnxValueInfoProto, _ dimensions: [String: Int], _ open: inout Set<String>) throws {
        let name = shown(input.name)
        guard case .tensorType(let message) = input.type.value else {
            throw OnnxError(.unsupported, "the input '\(name)' is no tensor")
        }
        guard let code = ElementCode(rawValue: message.elemType), let element = code.element else {
            let code = ElementCode(rawValue: message.elemType)?.name ?? "number \(message.elemType)"
            throw OnnxError(
                .unsupported,
                "the input '\(name)' has elements of the type \(code); FLOAT, DOUBLE, BFLOAT16, INT32, INT64 and BOOL are read"
            )
        }
        guard message.hasShape else { throw OnnxError(.unsupported, "the input '\(name)' has no shape") }
        guard message.shape.dim.count <= 32 else {
            throw OnnxError(.limit, "the input '\(name)' has more than 32 axes")
        }
        var shape: [Int] = []
        for (axis, dimension) in message.shape.dim.enumerated() {
            switch dimension.value {
            case .dimValue(let extent):
                guard extent > 0, let extent = Int(exactly: extent), extent <= largestElementCount else {
                    throw OnnxError(.dimension, "the input '\(name)' has the extent \(extent) along axis \(axis)")
                }
                shape.append(extent)
            case .dimParam(let symbol) where !symbol.isEmpty: shape.append(try extent(symbol))
            default: shape.append(try extent("\(input.name).\(axis)"))
            }
        }
        func extent(_ symbol: String) throws -> Int {
            open.insert(symbol)
            guard let extent = dimensions[symbol] else {
                throw OnnxError(
                    .dimension,
                    "the file leaves the dimension '\(shown(symbol))' of the input '\(name)' open; say how large it is, "
                        + "such as --dim \(shown(symbol))=1")
            }
            guard 1...largestElementCount ~= extent else {
                throw OnnxError(.dimension, "the dimension '\(shown(symbol))' is given as \(extent); it is 1 at least")
            }
            return extent
        }
        guard isShape(shape) else {
            throw OnnxError(.limit, "the input '\(name)' has the impossible shape \(shapeText(shape))")
        }
        type = TensorType(element, shape)
    }
}
