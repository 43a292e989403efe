import ApusIR

/// A tensor's numbers on the host, for what goes into a program and what comes out of it.
///
/// They do not change and are not copied: a program reads them where they lie.
public struct TensorData: Sendable {
    /// Its shape and element type.
    public let type: TensorType
    /// The elements in row-major order, as programs have them; valid for as long as the value.
    package var pointer: UnsafeRawPointer { memory.pointer }
    private let memory: TensorMemory

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
        self.init(type: TensorType(.f32, [])) { $0.storeBytes(of: value, as: Float.self) }
    }

    private init<Number: BitwiseCopyable>(_ element: ElementType, _ shape: [Int], _ values: [Number])
        throws(RuntimeError)
    {
        let type = try Self.type(element, shape, holding: values.count)
        self.init(type: type) { target in values.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    /// The f32 numbers that an owner has in its memory, which stays where it is and is not written to any more for as
    /// long as this value lives. Throws if the shape does not hold so many.
    package init(shape: [Int], lyingAt numbers: UnsafeBufferPointer<Float>, of owner: any AnyObject & Sendable)
        throws(RuntimeError)
    {
        type = try Self.type(.f32, shape, holding: numbers.count)
        memory = TensorMemory(of: owner, at: UnsafeRawPointer(numbers.baseAddress!))
    }

    /// The elements that an owner has in its memory, under the same conditions.
    init(type: TensorType, lyingAt elements: UnsafeRawPointer, of owner: any AnyObject & Sendable) {
        self.type = type
        memory = TensorMemory(of: owner, at: elements)
    }

    private static func type(_ element: ElementType, _ shape: [Int], holding count: Int) throws(RuntimeError)
        -> TensorType
    {
        let type = TensorType(element, shape)
        guard isShape(shape) else {
            throw RuntimeError(.type, "\(type) is no shape of a tensor: every extent is at least 1")
        }
        guard type.count == count else {
            throw RuntimeError(.type, "\(type) holds \(type.count) values, given \(count)")
        }
        return type
    }

    /// Raw elements of a type.
    package init(type: TensorType, copying source: UnsafeRawPointer) {
        self.init(type: type) { $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: type.byteCount)) }
    }

    /// Memory for a type, all of which a function fills.
    init(type: TensorType, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        self.type = type
        memory = TensorMemory(byteCount: type.byteCount, fill: fill)
    }

    /// Calls `body` with the elements in row-major order, as they lie in a program's memory.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(memory) {} }
        return try body(UnsafeRawBufferPointer(start: pointer, count: type.byteCount))
    }

    /// The elements of the interpreter's tensor, rounded to its type as by a cast: in i32, NaN becomes 0, and what is
    /// too large the nearest number there is. Elements that the tensor lacks are 0.
    public init(_ tensor: HostTensor) {
        self.init(type: tensor.type) { buffer in
            if tensor.values.count < tensor.type.count { buffer.initializeMemory(as: UInt8.self, repeating: 0) }
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
    }

    /// The elements as the interpreter has them.
    public var hostTensor: HostTensor {
        withBytes { buffer in HostTensor(type, elements(buffer)) }
    }

    private func elements(_ buffer: UnsafeRawBufferPointer) -> [Double] {
        (0..<type.count).map { index -> Double in
            switch type.element {
            case .f32: Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
            case .f64: buffer.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            case .i32: Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
            case .bool: buffer[index] != 0 ? 1 : 0
            case .bf16:
                Double(
                    Float(bitPattern: UInt32(buffer.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16))
            }
        }
    }

    /// The elements of an f32 tensor; those of other types are converted.
    public var floats: [Float] {
        guard type.element == .f32 else { return hostTensor.values.map { Float($0) } }
        return withBytes { Array($0.assumingMemoryBound(to: Float.self)) }
    }

    /// The elements of an i32 or bool tensor. Floating-point numbers are truncated; NaN becomes 0, and what is beyond
    /// 32 bits the largest or smallest number that they hold.
    public var integers: [Int32] {
        guard type.element == .i32 else { return hostTensor.values.map(truncated) }
        return withBytes { Array($0.assumingMemoryBound(to: Int32.self)) }
    }

    /// The only element of a scalar, as a number; of other tensors, the first one.
    public var scalar: Float { floats.first ?? .nan }
}

extension TensorData: Hashable {
    /// Whether types and bits are the same.
    public static func == (a: TensorData, b: TensorData) -> Bool {
        a.type == b.type && a.withBytes { first in b.withBytes { first.elementsEqual($0) } }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        withBytes { hasher.combine(bytes: $0) }
    }
}

/// The memory of a tensor's numbers, which does not change once it is made.
private final class TensorMemory: Sendable {
    nonisolated(unsafe) let pointer: UnsafeRawPointer
    /// Who the memory belongs to; nil if it is this object's own.
    private let owner: (any AnyObject & Sendable)?

    /// Memory of its own, aligned and rounded up as all memory of tensors is.
    init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        if Memory.isGuarded, let memory = try? Memory(byteCount: byteCount) {
            fill(UnsafeMutableRawBufferPointer(start: memory.pointer, count: byteCount))
            (owner, pointer) = (memory, UnsafeRawPointer(memory.pointer))
            return
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(Memory.aligned(byteCount), Memory.alignment), alignment: Memory.alignment)
        fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
        pointer = UnsafeRawPointer(memory.baseAddress!)
        owner = nil
    }

    init(of owner: any AnyObject & Sendable, at pointer: UnsafeRawPointer) {
        (self.owner, self.pointer) = (owner, pointer)
    }

    deinit { if owner == nil { UnsafeMutableRawPointer(mutating: pointer).deallocate() } }
}

/// What a cast to i32 makes of a number.
private func truncated(_ value: Double) -> Int32 { Int32(ElementType.i32.rounded(value)) }
