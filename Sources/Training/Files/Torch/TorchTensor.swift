/// A tensor of a checkpoint: which elements of which storage, in which order.
struct TorchTensor: Sendable {
    let elementType: SafetensorsElementType
    let shape: [Int]
    /// Steps between neighbours along each axis, in elements.
    let strides: [Int]
    /// The first element's number in the storage.
    let offset: Int
    /// Where the storage lies in the file.
    let storage: Range<Int>
    /// CRC-32 of the storage; 0 where the writer has not computed it.
    let checksum: UInt32

    /// The size of the elements, without the rest of the storage.
    var byteCount: Int { elementType.byteCount(of: shape) ?? 0 }

    /// Whether the elements lie one after the other in the order of the shape.
    private var isContiguous: Bool {
        var step = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            guard stride == step else { return false }
            step *= extent
        }
        return true
    }

    /// The elements in the order of the shape, little-endian; `file` has all of the file's bytes.
    func elements(in file: UnsafeRawBufferPointer, isBigEndian: Bool) -> [UInt8] {
        let width = elementType.byteCount, count = byteCount
        guard count > 0 else { return [] }
        let source = UnsafeRawBufferPointer(rebasing: file[storage.lowerBound + offset * width..<storage.upperBound])
        var elements = isContiguous ? Array(source[..<count]) : gathered(from: source, width: width, count: count)
        if isBigEndian, width > 1 {
            for start in stride(from: 0, to: count, by: width) { elements[start..<start + width].reverse() }
        }
        return elements
    }

    private func gathered(from source: UnsafeRawBufferPointer, width: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, written in
            var index = [Int](repeating: 0, count: shape.count)
            var place = 0
            for start in stride(from: 0, to: count, by: width) {
                for byte in 0..<width { target.initializeElement(at: start + byte, to: source[place * width + byte]) }
                // The next index, the last axis first.
                var axis = shape.count - 1
                while axis >= 0 {
                    index[axis] += 1
                    // An axis of one element may have any stride, so that the place past its end may be no number.
                    place &+= strides[axis]
                    if index[axis] < shape[axis] { break }
                    place &-= index[axis] &* strides[axis]
                    index[axis] = 0
                    axis -= 1
                }
            }
            written = count
        }
    }
}

extension SafetensorsElementType {
    /// The type of a storage class such as `FloatStorage` or a dtype such as `float32`; nil for complex, quantized and
    /// other types.
    init?(torch name: some StringProtocol) {
        switch name {
        case "FloatStorage", "float32": self = .f32
        case "DoubleStorage", "float64": self = .f64
        case "HalfStorage", "float16": self = .f16
        case "BFloat16Storage", "bfloat16": self = .bf16
        case "LongStorage", "int64": self = .i64
        case "IntStorage", "int32": self = .i32
        case "ShortStorage", "int16": self = .i16
        case "CharStorage", "int8": self = .i8
        case "ByteStorage", "uint8": self = .u8
        case "BoolStorage", "bool": self = .bool
        case "uint16": self = .u16
        case "uint32": self = .u32
        case "uint64": self = .u64
        default: return nil
        }
    }
}
