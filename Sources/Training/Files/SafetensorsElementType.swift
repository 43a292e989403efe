/// The element types of a safetensors file, narrow before wide: the order in which the format ranks them. Elements of 8
/// bits and complex ones are copied as they are, and no numbers are made of them.
public enum SafetensorsElementType: String, Sendable, Hashable, CaseIterable {
    /// A truth value of one byte.
    case bool = "BOOL"
    /// A whole number of 8 bits without a sign.
    case u8 = "U8"
    /// A whole number of 8 bits.
    case i8 = "I8"
    /// A floating-point number of 8 bits, 5 of them exponent and 2 significand.
    case f8e5m2 = "F8_E5M2"
    /// A floating-point number of 8 bits, 4 of them exponent and 3 significand.
    case f8e4m3 = "F8_E4M3"
    /// A power of two as an exponent of 8 bits.
    case f8e8m0 = "F8_E8M0"
    /// A whole number of 16 bits.
    case i16 = "I16"
    /// A whole number of 16 bits without a sign.
    case u16 = "U16"
    /// A floating-point number of 16 bits (IEEE 754).
    case f16 = "F16"
    /// The upper half of an `f32`.
    case bf16 = "BF16"
    /// A whole number of 32 bits.
    case i32 = "I32"
    /// A whole number of 32 bits without a sign.
    case u32 = "U32"
    /// A floating-point number of 32 bits (IEEE 754).
    case f32 = "F32"
    /// A complex number of two `f32`.
    case c64 = "C64"
    /// A floating-point number of 64 bits (IEEE 754).
    case f64 = "F64"
    /// A whole number of 64 bits.
    case i64 = "I64"
    /// A whole number of 64 bits without a sign.
    case u64 = "U64"

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0: 1
        case .i16, .u16, .f16, .bf16: 2
        case .i32, .u32, .f32: 4
        case .c64, .f64, .i64, .u64: 8
        }
    }

    /// The place in the format's order.
    var rank: Int { Self.allCases.firstIndex(of: self)! }

    /// The size in bytes of a tensor of this type, or nil if it is negative or larger than an address.
    func byteCount(of shape: [Int]) -> Int? {
        var total = byteCount
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            total = product
        }
        return total
    }
}
