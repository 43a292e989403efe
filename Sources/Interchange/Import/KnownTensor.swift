import ApusIR

/// Numbers that are known while a file is read: shapes, and what is computed of them.
struct KnownTensor: Hashable, Sendable {
    /// Most elements that are computed before a graph is there.
    static let mostElements = 1 << 20

    var code: ElementCode
    /// The extents; unlike those of the IR they may be 0.
    var shape: [Int]
    /// As many as the shape says; integers beyond 2⁵³ are the nearest double.
    var values: [Double]

    init(_ code: ElementCode, _ shape: [Int], _ values: [Double]) {
        (self.code, self.shape, self.values) = (code, shape, values)
    }

    /// Whole numbers along one axis.
    init(_ integers: [Int]) { self.init(.int64, [integers.count], integers.map(Double.init)) }

    /// The elements as integers, brought into the range of `Int32` and a little more, which no extent exceeds.
    var integers: [Int] { values.map(KnownTensor.integer) }

    /// A number as an integer; those that stand for infinity become numbers that can still be added.
    static func integer(_ value: Double) -> Int {
        value.isNaN ? 0 : Int(min(max(value.rounded(.towardZero), -0x1p52), 0x1p52))
    }

    /// The number that all elements are, if there is one.
    var splat: Double? { values.allSatisfy { $0 == values.first } ? values.first : nil }
}

/// How many elements a shape of extents from 0 on has; nil if there are too many to compute with.
func knownCount(_ shape: [Int]) -> Int? {
    guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
    // Those beside an extent of 0 are multiplied too, where strides are computed.
    var count = 1
    for extent in shape where extent > 0 {
        guard extent <= KnownTensor.mostElements / count else { return nil }
        count *= extent
    }
    return shape.contains(0) ? 0 : count
}
