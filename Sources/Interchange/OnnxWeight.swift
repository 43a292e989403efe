import ApusIR
import Foundation

/// The numbers of a weight: its type, and its elements in row-major order as little-endian bytes.
public struct OnnxWeight: Hashable, Sendable {
    /// Shape and element type.
    public let type: TensorType
    /// The elements, as many bytes as the type takes.
    public let bytes: Data

    /// Numbers of a type. Throws if there are not as many bytes as the type takes.
    public init(_ type: TensorType, bytes: Data) throws(OnnxError) {
        guard bytes.count == type.byteCount else {
            throw OnnxError(.file, "\(type) takes \(type.byteCount) bytes, not \(bytes.count)")
        }
        self.type = type
        self.bytes = bytes
    }

    init(_ type: TensorType, unchecked bytes: Data) { (self.type, self.bytes) = (type, bytes) }

    /// The numbers of a tensor of the interpreter, rounded to its type.
    public init(_ tensor: HostTensor) {
        type = tensor.type
        bytes = type.element.bytes(of: tensor.values)
    }

    /// The numbers as the interpreter has them.
    public var hostTensor: HostTensor { HostTensor(type, type.element.code.numbers(in: bytes)) }
}

extension ElementType {
    /// The bytes of numbers that are rounded to the type.
    func bytes(of values: [Double]) -> Data {
        func packed<Number>(_ convert: (Double) -> Number) -> Data {
            values.map(convert).withUnsafeBytes { Data($0) }
        }
        return switch self {
        case .f32: packed { Float($0) }
        case .f64: packed { $0 }
        case .bf16: packed { UInt16(Float(ElementType.bf16.rounded($0)).bitPattern >> 16) }
        case .i32: packed { Int32(ElementType.i32.rounded($0)) }
        case .bool: packed { UInt8($0 != 0 ? 1 : 0) }
        }
    }
}

extension ElementCode {
    /// The numbers that lie in bytes; those that are too many for a double are the nearest one.
    func numbers(in bytes: Data) -> [Double] {
        func read<Number: BitwiseCopyable>(_ type: Number.Type, _ convert: (Number) -> Double) -> [Double] {
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<Number>.size).map { index in
                    convert(raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self))
                }
            }
        }
        return switch self {
        case .float: read(Float.self) { Double($0) }
        case .double: read(Double.self) { $0 }
        case .float16: read(Float16.self) { Double($0) }
        case .bfloat16: read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int8: read(Int8.self) { Double($0) }
        case .uint8: read(UInt8.self) { Double($0) }
        case .bool: read(UInt8.self) { $0 != 0 ? 1 : 0 }
        case .int16: read(Int16.self) { Double($0) }
        case .uint16: read(UInt16.self) { Double($0) }
        case .int32: read(Int32.self) { Double($0) }
        case .uint32: read(UInt32.self) { Double($0) }
        case .int64: read(Int64.self) { Double($0) }
        case .uint64: read(UInt64.self) { Double($0) }
        case .string: []
        }
    }
}
