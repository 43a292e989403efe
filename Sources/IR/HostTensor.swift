/// A tensor in f64 on the host, whatever its element type: what the interpreter computes with.
public struct HostTensor: Hashable, Sendable {
    /// Its shape, and the element type that its numbers are rounded to.
    public var type: TensorType
    /// The elements in row-major order; integers and truth values are stored as exact doubles.
    public var values: [Double]

    /// A tensor of one number throughout.
    public init(_ type: TensorType, fill: Double = 0) {
        self.type = type
        values = [Double](repeating: fill, count: type.count)
    }

    package init(_ type: TensorType, _ values: [Double]) {
        precondition(values.count == type.count, "\(type) holds \(type.count) values, not \(values.count)")
        self.type = type
        self.values = values
    }

    /// The extents of its axes.
    public var shape: [Int] { type.shape }
    package var strides: [Int] { rowMajorStrides(shape) }
}

/// Calls `body` with every index of a shape in row-major order.
package func forEachIndex(_ shape: [Int], _ body: (_ index: [Int], _ position: Int) -> Void) {
    let count = shape.reduce(1, *)
    var index = [Int](repeating: 0, count: shape.count)
    for position in 0..<count {
        body(index, position)
        var axis = shape.count - 1
        while axis >= 0 {
            index[axis] += 1
            if index[axis] < shape[axis] { break }
            index[axis] = 0
            axis -= 1
        }
    }
}

/// The row-major position of an index.
package func position(_ index: [Int], _ strides: [Int]) -> Int {
    var sum = 0
    for axis in index.indices { sum += index[axis] * strides[axis] }
    return sum
}
