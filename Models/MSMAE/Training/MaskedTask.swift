import Apus

/// Phases of training differ in how images are masked; nil is the phase that looks at whole images.
extension TrainingTask where Phase == Masking? {
    public func name(of masking: Masking?) -> String? { masking.map { "\($0) masking" } ?? "all patches" }

    public func logFields(of masking: Masking?) -> [(String, RunLog.Value)] {
        masking.map { [("masking", .text($0.rawValue))] } ?? []
    }
}

extension CounterRandom.Purpose {
    /// The key of the masks of one batch.
    public static let masking = CounterRandom.Purpose(rawValue: 16)
}
