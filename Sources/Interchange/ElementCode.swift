import ApusIR

/// The type of elements as ONNX numbers it.
enum ElementCode: Int32, Hashable, Sendable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64
    case bfloat16 = 16

    /// The element type of the IR that holds its numbers; nil if there is none. Integers of 64 bits become 32.
    var element: ElementType? {
        switch self {
        case .float: .f32
        case .double: .f64
        case .bfloat16: .bf16
        case .int32, .int64: .i32
        case .bool: .bool
        default: nil
        }
    }

    /// Bytes of an element; 0 for texts.
    var byteCount: Int {
        switch self {
        case .string: 0
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .float, .int32, .uint32: 4
        case .int64, .uint64, .double: 8
        }
    }

    var isFloatingPoint: Bool { [.float, .float16, .double, .bfloat16].contains(self) }
    var isInteger: Bool { !isFloatingPoint && self != .bool && self != .string }

    /// The name in ONNX, such as `FLOAT`.
    var name: String { "\(self)".uppercased() }

    /// What a number is in this type: integers without their fraction, truth values 0 or 1.
    func rounded(_ value: Double) -> Double {
        switch self {
        case .bool: value != 0 ? 1 : 0
        case .float: Double(Float(value))
        case .bfloat16: ElementType.bf16.rounded(value)
        case .float16: Double(Float16(value))
        case _ where isInteger: value.isNaN ? 0 : value.rounded(.towardZero)
        default: value
        }
    }
}

extension ElementType {
    /// How ONNX numbers the type.
    var code: ElementCode {
        switch self {
        case .f32: .float
        case .bf16: .bfloat16
        case .f64: .double
        case .i32: .int32
        case .bool: .bool
        }
    }
}
