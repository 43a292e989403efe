import Foundation

/// Looks through the bytes of a message before it is decoded, so that a small file cannot ask for much memory.
///
/// Empty messages take two bytes in a file and many in memory. What is counted here are parts that become objects.
struct WireLimits {
    /// Parts of a file that become objects of their own.
    var mostParts = 1 << 22
    /// Messages within each other.
    var mostLevels = 24

    /// Which fields of a message are messages themselves.
    private indirect enum Schema {
        case model, graph, node, attribute, tensor, valueInfo, type, tensorType, shape, leaf

        func child(_ field: UInt64) -> Schema? {
            switch (self, field) {
            case (.model, 7): .graph
            case (.model, 8), (.model, 14): .leaf
            case (.graph, 1): .node
            case (.graph, 5): .tensor
            case (.graph, 11), (.graph, 12): .valueInfo
            case (.node, 5): .attribute
            case (.node, 1), (.node, 2), (.node, 9): .leaf
            case (.attribute, 5): .tensor
            case (.attribute, 9): .leaf
            case (.tensor, 13): .leaf
            case (.valueInfo, 2): .type
            case (.type, 1): .tensorType
            case (.tensorType, 2): .shape
            case (.shape, 1): .leaf
            default: nil
            }
        }
    }

    /// Throws if there are too many parts, or if lengths lead out of the file.
    func check(_ bytes: Data) throws {
        var parts = 0
        try bytes.withUnsafeBytes { try walk($0, .model, 0, &parts) }
    }

    private func walk(_ bytes: UnsafeRawBufferPointer, _ schema: Schema, _ level: Int, _ parts: inout Int) throws {
        guard level <= mostLevels else { throw OnnxError(.limit, "has messages within each other, too deep to read") }
        var place = 0
        func damaged() -> OnnxError { OnnxError(.file, "is no ONNX file, or a damaged one (its lengths do not fit)") }
        func number() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard place < bytes.count else { throw damaged() }
                let byte = bytes[place]
                place += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw damaged()
        }
        while place < bytes.count {
            let tag = try number()
            switch tag & 7 {
            case 0: _ = try number()
            case 1: place += 8
            case 5: place += 4
            case 2:
                guard let length = Int(exactly: try number()), length <= bytes.count - place else { throw damaged() }
                if let child = schema.child(tag >> 3) {
                    parts += 1
                    guard parts <= mostParts else {
                        throw OnnxError(.limit, "has more than \(mostParts) nodes, attributes and names")
                    }
                    if child != .leaf {
                        let rest = UnsafeRawBufferPointer(rebasing: bytes[place..<place + length])
                        try walk(rest, child, level + 1, &parts)
                    }
                }
                place += length
            // Groups, which no field of ONNX is.
            default: throw damaged()
            }
            guard place <= bytes.count else { throw damaged() }
        }
    }
}
