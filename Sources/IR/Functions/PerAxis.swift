/// A number for each spatial axis, or one for all of them: `kernel: 3` or `kernel: [3, 5]`.
public protocol PerAxis: Sendable {
    /// The numbers of so many axes; nil if they are not that many.
    func values(axes: Int) -> [Int]?
}

extension Int: PerAxis {
    public func values(axes: Int) -> [Int]? { Array(repeating: self, count: axes) }
}

extension [Int]: PerAxis {
    public func values(axes: Int) -> [Int]? { count == axes ? self : nil }
}

/// The text of numbers for axes, such as `3` or `3x5`.
package func perAxisText(_ numbers: any PerAxis) -> String {
    (numbers as? [Int])?.map(String.init).joined(separator: "x") ?? "\(numbers)"
}
