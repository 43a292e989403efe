import Apus
import Foundation

/// One recorded quantity, held against what was computed.
public struct Comparison: Hashable, Sendable {
    /// Name of the recorded tensor.
    public let quantity: String
    /// How far the computed numbers are from the recorded ones; for most quantities ‖ours − theirs‖ / ‖theirs‖.
    public let error: Double
    public let tolerance: Double

    /// Whether the error is within its tolerance; NaN never is.
    public var passes: Bool { error <= tolerance }
}

/// What a replay has found.
public struct ReplayReport: Hashable, Sendable {
    public let path: String
    /// What the file has recorded, such as `pretrain`.
    public let kind: String
    public let comparisons: [Comparison]

    public var passes: Bool { !comparisons.isEmpty && comparisons.allSatisfy(\.passes) }

    /// The comparisons as lines of aligned columns under a heading.
    public var table: String {
        let width = max(comparisons.map(\.quantity.count).max() ?? 0, "quantity".count)
        func line(_ quantity: String, _ error: String, _ tolerance: String, _ result: String) -> String {
            func right(_ text: String) -> String { String(repeating: " ", count: max(0, 9 - text.count)) + text }
            return "\(quantity.padding(toLength: width, withPad: " ", startingAt: 0))  \(right(error))  \(right(tolerance))  \(result)"
        }
        func number(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.2e", value) }
        let rows = comparisons.map { line($0.quantity, number($0.error), number($0.tolerance), $0.passes ? "ok" : "FAILED") }
        return ([line("quantity", "error", "tolerance", "")] + rows).joined(separator: "\n")
    }
}

/// Tolerances in f32, for relative errors of whole tensors.
enum Tolerance {
    static let forward = 1e-5
    static let gradient = 5e-5
    /// Of how far a weight has moved.
    static let change = 3e-3
    /// Gradients below this share of the largest one are rounding noise.
    static let noise = 1e-6
}

extension Comparison {
    /// Compares results of a forward pass.
    static func forward(_ quantity: String, _ computed: [Float], _ recorded: [Float]) -> Comparison {
        Comparison(quantity: quantity, error: relativeError(computed, recorded), tolerance: Tolerance.forward)
    }

    /// Compares gradients; two that are nothing but noise beside the `largest` of the recording are equal.
    static func gradient(_ quantity: String, _ computed: [Float], _ recorded: [Float], largest: Float) -> Comparison {
        let isNoise = Self.isNoise(computed, largest) && Self.isNoise(recorded, largest)
        return Comparison(quantity: quantity, error: isNoise ? 0 : relativeError(computed, recorded), tolerance: Tolerance.gradient)
    }

    /// Whether all numbers are below the noise beside `largest`; NaN is not.
    static func isNoise(_ values: [Float], _ largest: Float) -> Bool {
        values.allSatisfy { Double(abs($0)) < Tolerance.noise * Double(largest) }
    }

    /// Compares how far weights have moved from `start`, but for those that `isCompared` leaves out.
    static func change(
        _ quantity: String, _ computed: [Float], _ recorded: [Float], from start: [Float], where isCompared: (Int) -> Bool
    ) -> Comparison {
        let indices = start.indices.filter(isCompared)
        func change(_ values: [Float]) -> [Double] { indices.map { Double(values[$0]) - Double(start[$0]) } }
        return Comparison(quantity: quantity, error: relativeError(change(computed), change(recorded)), tolerance: Tolerance.change)
    }
}

/// ‖computed − recorded‖ / ‖recorded‖; infinite if the numbers are not as many.
private func relativeError<Number: BinaryFloatingPoint>(_ computed: [Number], _ recorded: [Number]) -> Double {
    guard computed.count == recorded.count else { return .infinity }
    var difference = 0.0, norm = 0.0
    for (a, b) in zip(computed, recorded) {
        difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
        norm += Double(b) * Double(b)
    }
    return difference == 0 ? 0 : (difference / norm).squareRoot()
}
