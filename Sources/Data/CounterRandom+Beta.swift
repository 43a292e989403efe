import Foundation

extension CounterRandom {
    /// A number from the normal distribution of mean 0 and deviation 1 (Box and Muller 1958).
    mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// A number in 0...1 from the beta distribution with both parameters `alpha`, which must be positive.
    mutating func beta(_ alpha: Double) -> Double {
        // The quotient of two gamma numbers, in logarithms: for a small alpha both are often below what a number can
        // hold.
        let (first, second) = (logGamma(alpha), logGamma(alpha))
        return 1 / (1 + exp(second - first))
    }

    /// The logarithm of a number from the gamma distribution of shape `alpha` and scale 1 (Marsaglia and Tsang 2000).
    private mutating func logGamma(_ alpha: Double) -> Double {
        // For shapes below 1, G(a) = G(a + 1) U^(1/a), also in their paper.
        if alpha < 1 { return logGamma(alpha + 1) + log(1 - uniform()) / alpha }
        let d = alpha - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            if log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return log(d * v) }
        }
    }
}
