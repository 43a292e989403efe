import Foundation

/// Weights that an optimizer treats in their own way, by their names.
public struct ParameterGroup: Hashable, Sendable {
    /// A pattern as shells have them: `*` stands for any characters, dots among them, `?` for one, `[ab]` for one of
    /// some.
    public let pattern: String
    /// A factor of the learning rate.
    public let learningRateScale: Double
    /// Weight decay in place of the optimizer's; nil leaves that.
    public let weightDecay: Double?

    /// Weights whose names match a pattern, such as `head.*` or `*.bias`.
    public init(_ pattern: String, learningRateScale: Double = 1, weightDecay: Double? = nil) {
        (self.pattern, self.learningRateScale, self.weightDecay) = (pattern, learningRateScale, weightDecay)
    }

    /// Whether a weight belongs to the group.
    public func includes(_ name: String) -> Bool { fnmatch(pattern, name, 0) == 0 }

    var problems: [String] {
        negativeProblems([("factor of the learning rate of '\(pattern)'", learningRateScale)])
            + negativeProblems(weightDecay.map { [("weight decay of '\(pattern)'", $0)] } ?? [])
    }
}
