extension SafetensorsElementType {
    /// Whether the elements are floating-point numbers.
    public var isFloatingPoint: Bool { self == .f32 || self == .f64 || self == .f16 || self == .bf16 }

    /// Little-endian elements of a floating-point type, f64 rounded to the nearest.
    func floats(_ bytes: UnsafeRawBufferPointer) -> [Float] {
        switch self {
        case .f32: decode(bytes) { Float(bitPattern: $0) }
        case .f64: decode(bytes) { Float(Double(bitPattern: $0)) }
        case .f16: decode(bytes) { float(half: $0) }
        case .bf16: decode(bytes) { Float(bitPattern: UInt32($0 as UInt16) << 16) }
        default: preconditionFailure("\(self) is no floating-point type")
        }
    }
}

/// The little-endian elements of `bytes`, converted one by one.
func decode<Bits: FixedWidthInteger, Value>(_ bytes: UnsafeRawBufferPointer, _ convert: (Bits) -> Value) -> [Value] {
    let width = MemoryLayout<Bits>.size
    return (0..<bytes.count / width).map { index in
        convert(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self)))
    }
}

/// The value of a half-precision number; `Float16` itself is missing on some machines.
private func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
