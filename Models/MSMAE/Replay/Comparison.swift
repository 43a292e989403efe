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
            return
                "\(quantity.padding(toLength: width, withPad: " ", startingAt: 0))  \(right(error))  \(right(tolerance))  \(result)"
        }
        func number(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.2e", value) }
        let rows = comparisons.map {
            line($0.quantity, number($0.error), number($0.tolerance), $0.passes ? "ok" : "FAILED")
        }
        return ([line("quantity", "error", "tolerance", "")] + rows).joined(separator: "\n")
    }
}

/// How far each kind of quantity may be off, as a relative error of whole tensors.
struct Tolerances {
    /// Results of a forward pass: predictions, class scores, attention.
    let forward: Double
    let loss: Double
    let gradient: Double
    /// How far a weight has moved.
    let change: Double
    /// Share of its tensor's largest below which a gradient may have the wrong sign.
    let uncertain: Double
    /// Share of all gradients' largest below which a tensor of gradients is nothing but rounding.
    let noise: Double

    /// For programs that compute in a precision, against recordings in f32.
    static func of(_ precision: Compiler.Precision) -> Tolerances {
        switch precision {
        case .float32: Tolerances(forward: 1e-5, loss: 1e-5, gradient: 5e-5, change: 3e-3, uncertain: 1e-6, noise: 1e-6)
        // A number in bf16 is off by up to 2⁻⁹; errors of many numbers add up in sums, but even out in a loss.
        case .bfloat16:
            Tolerances(forward: 2e-2, loss: 2e-3, gradient: 5e-2, change: 5e-2, uncertain: 5e-2, noise: 1e-3)
        }
    }
}

extension Tolerances {
    /// Compares results of a forward pass.
    func forward(_ quantity: String, _ computed: [Float], _ recorded: [Float]) -> Comparison {
        Comparison(quantity: quantity, error: relativeError(computed, recorded), tolerance: forward)
    }

    /// Compares losses.
    func loss(_ quantity: String, _ computed: [Float], _ recorded: [Float]) -> Comparison {
        Comparison(quantity: quantity, error: relativeError(computed, recorded), tolerance: loss)
    }

    /// Compares gradients; two that are nothing but noise beside the `largest` of the recording are equal.
    func gradient(_ quantity: String, _ computed: [Float], _ recorded: [Float], largest: Float) -> Comparison {
        let isNoise = isNoise(computed, largest) && isNoise(recorded, largest)
        return Comparison(
            quantity: quantity, error: isNoise ? 0 : relativeError(computed, recorded), tolerance: gradient)
    }

    /// Whether all numbers are below the noise beside `largest`; NaN is not.
    func isNoise(_ values: [Float], _ largest: Float) -> Bool {
        values.allSatisfy { Double(abs($0)) < noise * Double(largest) }
    }

    /// Compares how far weights have moved from `start`.
    ///
    /// The first updates of Adam are of the learning rate's size whatever the gradient's: where its sign is not
    /// certain, a weight may be off by `leeway`, the distance between moving one way and the other.
    func change(
        _ quantity: String, _ computed: [Float], _ recorded: [Float], from start: [Float], leeway: Double,
        where isCertain: (Int) -> Bool
    ) -> Comparison {
        guard computed.count == recorded.count, recorded.count == start.count else {
            return Comparison(quantity: quantity, error: .infinity, tolerance: change)
        }
        var difference = 0.0, norm = 0.0
        for index in start.indices {
            let distance = abs(Double(computed[index]) - Double(recorded[index])),
                moved = Double(recorded[index]) - Double(start[index])
            let excess = isCertain(index) || distance.isNaN ? distance : max(0, distance - leeway)
            difference += excess * excess
            norm += moved * moved
        }
        return Comparison(
            quantity: quantity, error: difference == 0 ? 0 : (difference / norm).squareRoot(), tolerance: change)
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
