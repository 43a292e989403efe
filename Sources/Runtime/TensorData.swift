import ApusIR

/// A tensor's numbers on the host, for what goes into a program and what comes out of it.
public struct TensorData: Hashable, Sendable {
    public let type: TensorType
    /// The elements in row-major order, as they lie in a program's memory.
    package private(set) var bytes: [UInt8]

    /// f32 numbers of a shape; without one, a vector. Throws if the shape does not hold so many.
    public init(_ values: [Float], shape: [Int]? = nil) throws(RuntimeError) {
        try self.init(.f32, shape ?? [values.count], values)
    }

    /// f32 numbers, rounded to the nearest, of a shape; without one, a vector. Throws if the shape does not hold so
    /// many.
    public init(_ values: [Double], shape: [Int]? = nil) throws(RuntimeError) {
        try self.init(.f32, shape ?? [values.count], values.map { Float($0) })
    }

    /// i32 numbers of a shape; without one, a vector. Throws if the shape does not hold so many.
    public init(_ values: [Int32], shape: [Int]? = nil) throws(RuntimeError) {
        try self.init(.i32, shape ?? [values.count], values)
    }

    /// i32 numbers of a shape; without one, a vector. Throws if the shape does not hold so many, or if one is beyond
    /// 32 bits.
    public init(_ values: [Int], shape: [Int]? = nil) throws(RuntimeError) {
        let narrow = values.compactMap { Int32(exactly: $0) }
        guard narrow.count == values.count else {
            let index = values.firstIndex { Int32(exactly: $0) == nil } ?? 0
            throw RuntimeError(.type, "value \(index) is \(values[index]), which does not fit 32 bits")
        }
        try self.init(.i32, shape ?? [values.count], narrow)
    }

    /// Truth values of a shape; without one, a vector. Throws if the shape does not hold so many.
    public init(_ values: [Bool], shape: [Int]? = nil) throws(RuntimeError) {
        try self.init(.bool, shape ?? [values.count], values.map { $0 ? 1 : 0 as UInt8 })
    }

    /// An f32 scalar.
    public init(_ value: Float) {
        type = TensorType(.f32, [])
        bytes = withUnsafeBytes(of: value) { Array($0) }
    }

    private init<Number: BitwiseCopyable>(_ element: ElementType, _ shape: [Int], _ values: [Number])
        throws(RuntimeError)
    {
        type = TensorType(element, shape)
        guard isShape(shape) else {
            throw RuntimeError(.type, "\(type) is no shape of a tensor: every extent is at least 1")
        }
        guard type.count == values.count else {
            throw RuntimeError(.type, "\(type) holds \(type.count) values, given \(values.count)")
        }
        bytes = values.withUnsafeBytes { Array($0) }
    }

    /// Raw elements of a type.
    package init(type: TensorType, copying source: UnsafeRawPointer) {
        self.type = type
        bytes = Array(UnsafeRawBufferPointer(start: source, count: type.byteCount))
    }

    /// The elements of the interpreter's tensor, rounded to its type as by a cast: in i32, NaN becomes 0, and what is
    /// too large the nearest number there is. Elements that the tensor lacks are 0.
    public init(_ tensor: HostTensor) {
        type = tensor.type
        var bytes = [UInt8](repeating: 0, count: tensor.type.byteCount)
        bytes.withUnsafeMutableBytes { buffer in
            for (index, value) in tensor.values.prefix(tensor.type.count).enumerated() {
                switch tensor.type.element {
                case .f32: buffer.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
                case .f64: buffer.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
                case .i32: buffer.storeBytes(of: truncated(value), toByteOffset: index * 4, as: Int32.self)
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

    /// The elements of an i32 or bool tensor. Floating-point numbers are truncated; NaN becomes 0, and what is beyond
    /// 32 bits the largest or smallest number that they hold.
    public var integers: [Int32] {
        guard type.element == .i32 else { return hostTensor.values.map(truncated) }
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    }

    /// The only element of a scalar, as a number; of other tensors, the first one.
    public var scalar: Float { floats.first ?? .nan }
}

/// What a cast to i32 makes of a number.
private func truncated(_ value: Double) -> Int32 { Int32(ElementType.i32.rounded(value)) }
