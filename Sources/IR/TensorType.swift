/// The type of a tensor's elements.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    /// IEEE 754 single precision.
    case f32
    /// The upper half of `f32`: 8 exponent bits, 8 significant bits.
    case bf16
    /// IEEE 754 double precision; for the interpreter and tests, not for generated code.
    case f64
    /// Signed 32-bit integer.
    case i32
    /// Truth value, one byte in memory.
    case bool

    /// Whether gradients flow through values of this type.
    public var isFloatingPoint: Bool { self == .f32 || self == .bf16 || self == .f64 }

    /// Bytes that one element takes in memory.
    public var byteCount: Int {
        switch self {
        case .f32, .i32: 4
        case .bf16: 2
        case .f64: 8
        case .bool: 1
        }
    }

    /// The nearest value that this type can hold, ties to even; the interpreter's meaning of a cast.
    public func rounded(_ value: Double) -> Double {
        switch self {
        case .f64: return value
        case .f32: return Double(Float(value))
        case .bf16:
            var single = Float(value)
            guard single.isFinite else { return Double(single) }
            // As in the dot products of processors: bf16 has no numbers between 0 and the smallest normal one.
            if single.magnitude < .leastNormalMagnitude { return single.sign == .minus ? -0.0 : 0 }
            // A tie that only rounding to single precision has made is not one: step back towards the value.
            if single.bitPattern & 0xFFFF == 0x8000, Double(single) != value {
                single = value > Double(single) ? single.nextUp : single.nextDown
            }
            let bits = single.bitPattern, odd = (bits >> 16) & 1
            return Double(Float(bitPattern: (bits &+ 0x7FFF &+ odd) & 0xFFFF_0000))
        case .i32:
            if value.isNaN { return 0 }
            return min(max(value.rounded(.towardZero), Double(Int32.min)), Double(Int32.max))
        case .bool: return value != 0 ? 1 : 0
        }
    }
}

/// Shape and element type of a tensor, printed as `f32[16,50,768]`; a scalar is `f32[]`.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    /// The extents of the axes; empty for a scalar.
    public var shape: [Int]
    /// The type of the elements.
    public var element: ElementType

    /// A type of elements and a shape.
    public init(_ element: ElementType, _ shape: [Int]) {
        self.shape = shape
        self.element = element
    }

    /// How many axes there are.
    public var rank: Int { shape.count }
    /// Number of elements; 1 for a scalar, the largest `Int` for more than that.
    public var count: Int {
        shape.reduce(1) { product, extent in
            let (result, overflows) = product.multipliedReportingOverflow(by: extent)
            return overflows ? .max : result
        }
    }
    /// Bytes in memory; the largest `Int` for more than that.
    public var byteCount: Int {
        let (bytes, overflows) = count.multipliedReportingOverflow(by: element.byteCount)
        return overflows ? .max : bytes
    }
    public var description: String { element.rawValue + shapeText(shape) }

    /// The same shape with another element type.
    public func with(_ element: ElementType) -> TensorType { TensorType(element, shape) }
    /// The same element type with another shape.
    public func with(shape: [Int]) -> TensorType { TensorType(element, shape) }
}

/// A shape as it is printed in the IR and in messages: `[8,50,768]`.
public func shapeText(_ shape: [Int]) -> String {
    "[" + shape.map(String.init).joined(separator: ",") + "]"
}

/// Elements that a tensor has at most: far beyond any memory, and few enough that sizes can be added and multiplied.
package let largestElementCount = 1 << 48

/// Whether all extents are positive and their product, the number of elements, is at most `largestElementCount`.
package func isShape(_ shape: [Int]) -> Bool {
    var count = 1
    for extent in shape {
        guard extent > 0, extent <= largestElementCount / count else { return false }
        count *= extent
    }
    return true
}

/// Row-major strides of a contiguous tensor, in elements.
package func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
}
