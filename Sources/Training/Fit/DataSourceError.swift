/// Data that cannot be trained on.
public enum DataSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is nothing to train on, and why.
    case noSamples(String)
    /// Two tensors, by name, with different numbers of samples.
    case unequalCounts(String, Int, String, Int)
    /// A number that is not finite in a tensor, by name, and in which sample.
    case notFinite(String, sample: Int)
    /// Fewer samples than a batch has.
    case tooFew(samples: Int, batch: Int, step: String)
    /// Inputs of a step that have no axis of samples, or not the same.
    case noBatch(step: String, inputs: [String])
    /// A character that a vocabulary lacks, at a place in a text, from 0.
    case unknownCharacter(Character, at: Int)
    /// A file that holds no data of the kind that is asked for.
    case unreadable(path: String, reason: String)

    public var description: String {
        switch self {
        case .noSamples(let reason): "the data has no samples: \(reason)"
        case .unequalCounts(let a, let count, let b, let other):
            "the data has \(count) samples of '\(a)' and \(other) of '\(b)'"
        case .notFinite(let name, let sample):
            "the data has a number that is not finite in '\(name)', sample \(sample)"
        case .tooFew(let samples, let batch, let step):
            "the data has \(samples) samples, and a batch of '\(step)' takes \(batch): declare its inputs with a first axis of \(samples) at most"
        case .noBatch(let step, let inputs):
            "the inputs of '\(step)' differ in their first axis, which counts samples: \(inputs.joined(separator: ", "))"
        case .unknownCharacter(let character, let place):
            "the vocabulary has no \(String(character).debugDescription), which is character \(place) of the text: "
                + "make it of all texts, or take bytes"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        }
    }
}
