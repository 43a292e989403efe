import ApusIR
import ApusRuntime

extension TensorData {
    /// A file's elements, little-endian, in the type that a program takes.
    ///
    /// Floating-point numbers are rounded to the nearest of the wanted type, integers are taken if i32 holds them, and
    /// truth values as they are. Throws `.type` for another kind of numbers, another shape, and integers that are too
    /// large; `what` is what the error calls the tensor.
    package init(
        _ elements: SafetensorsElementType, _ shape: [Int], _ bytes: [UInt8], as type: TensorType, what: String
    ) throws(RuntimeError) {
        func mismatch(_ problem: String) -> RuntimeError { RuntimeError(.type, "\(what) \(problem)") }
        guard shape == type.shape else {
            throw mismatch("is \(elements.rawValue)\(shapeText(shape)), wanted \(type)")
        }
        guard elements.byteCount(of: shape) == bytes.count, type.count > 0 else {
            throw mismatch("has \(bytes.count) bytes, which are not \(elements.rawValue)\(shapeText(shape))")
        }
        let values: [Double]
        switch (elements, type.element) {
        case (.f32, .f32), (.bf16, .bf16), (.i32, .i32):
            self = bytes.withUnsafeBytes { TensorData(type: type, copying: $0.baseAddress!) }
            return
        case (.f64, .f32), (.f64, .bf16):
            values = bytes.withUnsafeBytes { decode($0) { Double(bitPattern: $0) } }
        case (.f32, .bf16), (.f16, .f32), (.f16, .bf16), (.bf16, .f32):
            values = bytes.withUnsafeBytes { elements.floats($0) }.map(Double.init)
        case (.i64, .i32):
            let integers = bytes.withUnsafeBytes { decode($0) { Int64(bitPattern: $0) } }
            if let large = integers.first(where: { Int32(exactly: $0) == nil }) {
                throw mismatch("holds \(large), which i32 does not")
            }
            values = integers.map(Double.init)
        case (.bool, .bool): values = bytes.map { $0 == 0 ? 0 : 1 }
        default: throw mismatch("is \(elements.rawValue)\(shapeText(shape)), wanted \(type)")
        }
        self.init(HostTensor(type, values))
    }
}
