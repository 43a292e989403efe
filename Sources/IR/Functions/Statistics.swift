/// The variance over some axes (negative axes count from the end), with the divisor n − `correction`, as PyTorch's
/// `var`; the axes stay with extent 1 if `keepAxes`.
public func variance(
    _ x: Tensor, axes: [Int], correction: Double = 1, keepAxes: Bool = false, file: String = #fileID,
    line: Int = #line
) -> Tensor {
    x.within("variance", at: x.builder.location(file, line)) {
        guard x.isValid else { return x }
        let centred = x - mean(x, axes: axes, keepAxes: true)
        let count = axes.map(x.axis).filter(x.shape.indices.contains).map { x.shape[$0] }.reduce(1, *)
        guard Double(count) > correction else {
            return x.mistake(
                "variance", "\(count) numbers have no variance with a divisor of n − \(correction)", .attribute,
                at: x.builder.location(file, line))
        }
        return sum(centred * centred, axes: axes, keepAxes: keepAxes) * (1 / (Double(count) - correction))
    }
}

/// The standard deviation over some axes, with the divisor n − `correction`, as PyTorch's `std`.
public func standardDeviation(
    _ x: Tensor, axes: [Int], correction: Double = 1, keepAxes: Bool = false, file: String = #fileID,
    line: Int = #line
) -> Tensor {
    x.within("standardDeviation", at: x.builder.location(file, line)) {
        sqrt(variance(x, axes: axes, correction: correction, keepAxes: keepAxes, file: file, line: line))
    }
}

/// (Σ |x|ᵖ)^(1/p) over some axes (negative axes count from the end), as PyTorch's `vector_norm`; infinity gives the
/// largest absolute value. The axes stay with extent 1 if `keepAxes`.
///
/// The gradient where all elements are 0 is 0.
public func norm(
    _ x: Tensor, _ p: Double = 2, axes: [Int], keepAxes: Bool = false, file: String = #fileID, line: Int = #line
) -> Tensor {
    x.within("norm", at: x.builder.location(file, line)) {
        guard x.isValid else { return x }
        let size = abs(x)
        if p == .infinity { return maximum(size, axes: axes, keepAxes: keepAxes) }
        if p == 1 { return sum(size, axes: axes, keepAxes: keepAxes) }
        guard p > 1 else {
            return x.mistake(
                "norm", "p is \(p); norms have a p from 1 to infinity", .attribute, at: x.builder.location(file, line))
        }
        // Roots have no derivative at 0, and powers none that is finite: where all is 0, they are taken of 1.
        let powers = p == 2 ? x * x : select(equal(x, x.constant(0)), x.constant(0), power(nonzero(size, size), p))
        let total = sum(powers, axes: axes, keepAxes: keepAxes), zero = total.constant(0)
        let safe = nonzero(total, total)
        return select(equal(total, zero), zero, p == 2 ? sqrt(safe) : power(safe, 1 / p))
    }
}

/// The elements of x, and 1 where `test` is 0.
private func nonzero(_ x: Tensor, _ test: Tensor) -> Tensor { select(equal(test, test.constant(0)), x.constant(1), x) }

/// x divided by its norm along an axis, or by `epsilon` if that is more, as PyTorch's `normalize`.
public func normalized(_ x: Tensor, axis: Int = -1, epsilon: Double = 1e-12) -> Tensor {
    x.within("normalized") { x / maximum(norm(x, axes: [axis], keepAxes: true), epsilon) }
}

/// The sums of all elements up to each one, itself included, along an axis, as PyTorch's `cumsum`.
///
/// Sums of 1, 2, 4… neighbours are added up (Hillis and Steele 1986), so that rounding grows with the logarithm of the
/// extent.
public func cumulativeSum(_ x: Tensor, axis: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    x.within("cumulativeSum", at: x.builder.location(file, line)) {
        guard x.isValid else { return x }
        guard let place = x.place(of: axis, "cumulativeSum", x.builder.location(file, line)) else {
            return x.builder.invalid()
        }
        var (sums, reach) = (x, 1)
        let extent = x.shape[place], none = Array(repeating: 0, count: x.rank)
        while reach < extent {
            var low = none
            low[place] = reach
            sums = sums + sums.slice(0..<extent - reach, axis: place).padded(low: low, high: none)
            reach *= 2
        }
        return sums
    }
}

/// The logarithm of the sum of the exponentials along an axis, without overflow.
public func logSumExp(_ x: Tensor, axis: Int = -1, keepAxes: Bool = false) -> Tensor {
    x.within("logSumExp") {
        guard x.isValid else { return x }
        let largest = maximum(x, axes: [axis], keepAxes: true)
        let total = log(sum(exp(x - largest), axes: [axis], keepAxes: true)) + largest
        return keepAxes || !total.isValid ? total : total.squeezed(axis)
    }
}
