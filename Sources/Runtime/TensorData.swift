import ApusIR

/// A tensor's numbers on the host, for what goes into a program and what comes out of it.
public struct TensorData: Hashable, Sendable {
    public let type: TensorType
    /// The elements in row-major order, as they lie in a program's memory.
    package private(set) var bytes: [UInt8]

    /// f32 numbers of a shape; without one, a scalar or a vector.
    public init(_ values: [Float], shape: [Int]? = nil) {
        self.init(.f32, shape ?? [values.count], values)
    }

    /// i32 numbers of a shape; without one, a vector.
    public init(_ values: [Int32], shape: [Int]? = nil) {
        self.init(.i32, shape ?? [values.count], values)
    }

    /// An f32 scalar.
    public init(_ value: Float) { self.init(.f32, [], [value]) }

    private init<Number>(_ element: ElementType, _ shape: [Int], _ values: [Number]) {
        type = TensorType(element, shape)
        precondition(type.count == values.count, "\(type) holds \(type.count) values, not \(values.count)")
        bytes = values.withUnsafeBytes { Array($0) }
    }

    /// Raw elements of a type.
    package init(type: TensorType, copying source: UnsafeRawPointer) {
        self.type = type
        bytes = Array(UnsafeRawBufferPointer(start: source, count: type.byteCount))
    }

    /// The elements of the interpreter's tensor, rounded to its type.
    public init(_ tensor: HostTensor) {
        type = tensor.type
        var bytes = [UInt8](repeating: 0, count: tensor.type.byteCount)
        bytes.withUnsafeMutableBytes { buffer in
            for (index, value) in tensor.values.enumerated() {
                switch tensor.type.element {
                case .f32: buffer.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
                case .f64: buffer.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
                case .i32: buffer.storeBytes(of: Int32(value), toByteOffset: index * 4, as: Int32.self)
                case .bool: buffer[index] = value != 0 ? 1 : 0
                case .bf16:
                    let bits = UInt16(truncatingIfNeeded: Float(ElementType.bf16.rounded(value)).bitPattern >> 16)
                    buffer.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
                }
            }
        }
        self.bytes = bytes
    }

    /// The elements as the interpreter has them.
    public var hostTensor: HostTensor {
        HostTensor(
            type,
            (0..<type.count).map { index in
                bytes.withUnsafeBytes { buffer in
                    switch type.element {
                    case .f32: Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
                    case .f64: buffer.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
                    case .i32: Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
                    case .bool: buffer[index] != 0 ? 1 : 0
                    case .bf16:
                        Double(
                            Float(
                                bitPattern: UInt32(buffer.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
                                    << 16))
                    }
                }
            })
    }

    /// The elements of an f32 tensor; those of other types are converted.
    public var floats: [Float] {
        guard type.element == .f32 else { return hostTensor.values.map { Float($0) } }
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// The elements of an i32 or bool tensor; floating-point numbers are truncated.
    public var integers: [Int32] {
        guard type.element == .i32 else { return hostTensor.values.map { Int32($0) } }
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    }

    /// The only element of a scalar, as a number.
    public var scalar: Float { floats[0] }
}
