/// An index or address inside a kernel: a constant, multiples of loop indices, and multiples of integers computed
/// there.
package struct IndexExpression: Hashable {
    package var constant: Int
    /// Coefficient of each loop dimension; those without one do not matter.
    package var terms: [Int: Int]
    /// Coefficient of each instruction whose (i32) result takes part.
    package var dynamic: [Int: Int]

    package init(constant: Int = 0, terms: [Int: Int] = [:], dynamic: [Int: Int] = [:]) {
        self.constant = constant
        self.terms = terms.filter { $0.value != 0 }
        self.dynamic = dynamic.filter { $0.value != 0 }
    }

    /// Distances of lanes so short that reading all that lies between costs less than reading each lane.
    static let shortSteps = 1...4

    package static func dimension(_ dimension: Int) -> IndexExpression { IndexExpression(terms: [dimension: 1]) }

    package static func + (a: IndexExpression, b: IndexExpression) -> IndexExpression {
        IndexExpression(
            constant: a.constant + b.constant, terms: a.terms.merging(b.terms, uniquingKeysWith: +),
            dynamic: a.dynamic.merging(b.dynamic, uniquingKeysWith: +))
    }

    package static func + (a: IndexExpression, b: Int) -> IndexExpression { a + IndexExpression(constant: b) }

    package static func * (a: IndexExpression, factor: Int) -> IndexExpression {
        IndexExpression(
            constant: a.constant * factor, terms: a.terms.mapValues { $0 * factor },
            dynamic: a.dynamic.mapValues { $0 * factor })
    }

    /// The largest value, for non-negative coefficients and no dynamic part.
    package func maximum(_ extents: [Int]) -> Int {
        terms.reduce(constant) { $0 + $1.value * (extents[$1.key] - 1) }
    }

    /// Σ index · stride.
    package static func linear(_ index: [IndexExpression], _ strides: [Int]) -> IndexExpression {
        zip(index, strides).reduce(IndexExpression()) { $0 + $1.0 * $1.1 }
    }
}

extension IndexExpression: CustomStringConvertible {
    package var description: String {
        var parts = terms.sorted { $0.key < $1.key }.map { $0.value == 1 ? "i\($0.key)" : "\($0.value)*i\($0.key)" }
        parts += dynamic.sorted { $0.key < $1.key }.map { $0.value == 1 ? "%\($0.key)" : "\($0.value)*%\($0.key)" }
        if constant != 0 || parts.isEmpty { parts.append("\(constant)") }
        return parts.joined(separator: " + ")
    }
}

/// What dividing an index by a constant gives.
package enum IndexDivision {
    /// Quotient and remainder are index expressions again.
    case exact(quotient: IndexExpression, remainder: IndexExpression)
    /// They would be, if this loop dimension were split into an outer and an inner one of extent `factor`.
    case split(dimension: Int, factor: Int)
    /// They have to be computed.
    case computed
}

extension IndexExpression {
    /// Divides by a positive constant; the expression must not be negative.
    package func divided(by divisor: Int, extents: [Int]) -> IndexDivision {
        if divisor == 1 { return .exact(quotient: self, remainder: IndexExpression()) }
        guard dynamic.isEmpty, constant >= 0, terms.values.allSatisfy({ $0 > 0 }) else { return .computed }
        var quotient = IndexExpression(constant: constant / divisor),
            remainder = IndexExpression(constant: constant % divisor)
        for (dimension, coefficient) in terms {
            if coefficient % divisor == 0 {
                quotient = quotient + IndexExpression(terms: [dimension: coefficient / divisor])
            } else {
                remainder = remainder + IndexExpression(terms: [dimension: coefficient])
            }
        }
        if remainder.maximum(extents) < divisor { return .exact(quotient: quotient, remainder: remainder) }
        // The term that carries over decides where its dimension would have to be split.
        guard let (dimension, coefficient) = remainder.terms.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
            divisor % coefficient == 0, extents[dimension] % (divisor / coefficient) == 0, divisor / coefficient > 1,
            divisor / coefficient < extents[dimension]
        else { return .computed }
        return .split(dimension: dimension, factor: divisor / coefficient)
    }
}
