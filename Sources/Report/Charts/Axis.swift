import Foundation

/// One axis of a chart: what it shows, and how numbers become places.
public struct Axis: Hashable, Sendable {
    public enum Scale: Hashable, Sendable {
        case linear
        /// By powers of ten; numbers that are not above 0 are left out.
        case logarithmic
    }

    /// How tick labels are written.
    public enum Style: Hashable, Sendable {
        case number
        /// Shares of 1, in percent.
        case percent
    }

    public var label: String
    public var scale: Scale
    public var style: Style
    /// The ends of the axis, if they do not follow from the data.
    public var range: ClosedRange<Double>?
    /// Where values can lie at all, such as 0…1; the axis never goes beyond.
    public var limits: ClosedRange<Double>?
    /// Whether values are whole numbers, such as epochs: ticks are whole then, and the axis ends where the data does.
    public var isWhole: Bool

    public init(
        _ label: String, scale: Scale = .linear, style: Style = .number, range: ClosedRange<Double>? = nil,
        limits: ClosedRange<Double>? = nil, isWhole: Bool = false
    ) {
        (self.label, self.scale, self.style, self.range, self.limits, self.isWhole) = (
            label, scale, style, range, limits, isWhole
        )
    }
}

/// An axis made for some values: its ends and its ticks.
package struct Ticks: Hashable, Sendable {
    package let axis: Axis
    /// The ends of the axis; the upper end is greater than the lower.
    package let range: ClosedRange<Double>
    package let values: [Double]

    /// Chooses ends and up to about `wanted` ticks for the values that the axis can show.
    package init(_ axis: Axis, for values: [Double], wanted: Int = 5) {
        self.axis = axis
        let shown = values.filter { $0.isFinite && (axis.scale == .linear || $0 > 0) }
        let low = axis.range?.lowerBound ?? shown.min() ?? (axis.scale == .linear ? 0 : 0.1)
        let high = axis.range?.upperBound ?? shown.max() ?? 1
        switch axis.scale {
        case .linear: (range, self.values) = Self.linear(axis, low, high, wanted)
        case .logarithmic: (range, self.values) = Self.logarithmic(low, high, wanted, isFixed: axis.range != nil)
        }
    }

    /// Where a value lies between the ends: 0 to 1; nil if the axis cannot show it.
    package func place(_ value: Double) -> Double? {
        guard value.isFinite else { return nil }
        guard axis.scale == .logarithmic else {
            return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        }
        return value > 0 ? log(value / range.lowerBound) / log(range.upperBound / range.lowerBound) : nil
    }

    /// The text of each tick.
    package var labels: [String] {
        let step = values.count > 1 ? values[1] - values[0] : 1
        let decimals = min(max(0, -Int(floor(log10(abs(step) * (axis.style == .percent ? 100 : 1)) + 1e-9))), 9)
        let isPlain = decimals <= 4 && !values.contains { abs($0) >= 1e5 }
        return values.map { value in
            if axis.style == .percent { return NumberText.percent(value, decimals) }
            if axis.scale == .logarithmic { return NumberText.short(value) }
            return isPlain ? NumberText.fixed(value, decimals) : NumberText.scientific(value)
        }
    }

    /// Ticks at multiples of 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems
    /// 1990).
    private static func linear(_ axis: Axis, _ low: Double, _ high: Double, _ wanted: Int) -> (
        ClosedRange<Double>, [Double]
    ) {
        var (low, high) = (low, high)
        if high <= low {
            let room = axis.isWhole ? 1 : max(abs(low) * 0.1, 1e-9)
            (low, high) = (low - room, high + room)
            if let limits = axis.limits { (low, high) = (max(low, limits.lowerBound), min(high, limits.upperBound)) }
            if high <= low { (low, high) = (low - room, low + room) }
        }
        var step = niceStep((high - low) / Double(max(wanted - 1, 1)))
        if axis.isWhole { step = max(step.rounded(), 1) }
        if axis.range == nil, !axis.isWhole {
            low = floor(low / step + 1e-9) * step
            high = ceil(high / step - 1e-9) * step
            if let limits = axis.limits { (low, high) = (max(low, limits.lowerBound), min(high, limits.upperBound)) }
        }
        let first = Int(ceil(low / step - 1e-9)), last = Int(floor(high / step + 1e-9))
        return (low...high, first <= last ? (first...last).map { Double($0) * step } : [low, high])
    }

    private static func niceStep(_ step: Double) -> Double {
        let power = pow(10, floor(log10(step)))
        let mantissa = step / power
        return (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10) * power
    }

    /// Ticks at powers of ten, and at 2 and 5 between them where there are few.
    private static func logarithmic(_ low: Double, _ high: Double, _ wanted: Int, isFixed: Bool) -> (
        ClosedRange<Double>, [Double]
    ) {
        let exponents = Int(floor(log10(low))) - 1...Int(ceil(log10(high))) + 1
        let candidates = exponents.flatMap { exponent in [1.0, 2, 5].map { $0 * pow(10, Double(exponent)) } }
        var bottom = candidates.last { $0 <= low * (1 + 1e-9) } ?? low
        var top = candidates.first { $0 >= high * (1 - 1e-9) } ?? high
        if isFixed { (bottom, top) = (low, high) }
        if top <= bottom { (bottom, top) = (bottom / 2, bottom * 2) }
        let inside = candidates.filter { $0 >= bottom * (1 - 1e-9) && $0 <= top * (1 + 1e-9) }
        guard inside.count > wanted + 1 else { return (bottom...top, inside) }
        let powers = exponents.map { pow(10, Double($0)) }.filter {
            $0 >= bottom * (1 - 1e-9) && $0 <= top * (1 + 1e-9)
        }
        let stride = (powers.count + wanted - 1) / wanted
        return (bottom...top, powers.enumerated().filter { $0.offset % stride == 0 }.map(\.element))
    }
}
