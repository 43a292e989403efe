import ApusIR
import ApusRuntime

/// Samples to train on: how many there are, and the tensors of any of them.
///
/// ```swift
/// struct Digits: DataSource {
///     let pixels: [[Float]], labels: [Int32]
///     var count: Int { labels.count }
///     func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
///         [
///             "images": try TensorData(samples.flatMap { pixels[$0] }, shape: [samples.count, 64]),
///             "labels": try TensorData(samples.map { labels[$0] }),
///         ]
///     }
/// }
/// ```
public protocol DataSource: Sendable {
    /// How many samples there are.
    var count: Int { get }
    /// The tensors of some samples by the names of a step's inputs, each with the samples along the first axis, in the
    /// given order. What is random in them follows from sample and epoch, so that a resumed run sees the same.
    func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData]
    /// What messages call a sample.
    func name(of sample: Int) -> String
}

extension DataSource {
    public func name(of sample: Int) -> String { "sample \(sample)" }
}

/// Samples that lie in memory: for each input of a step a tensor, whose first axis counts samples.
public struct ArrayData: DataSource {
    public let tensors: [String: TensorData]
    public let count: Int

    /// Throws if the tensors differ in their number of samples, if there are none, or if a number is not finite; the
    /// error names input and sample.
    public init(_ tensors: [String: TensorData]) throws {
        self.tensors = tensors
        let counts = tensors.mapValues { $0.type.shape.first ?? 0 }.sorted { $0.key < $1.key }
        guard let first = counts.first, first.value > 0 else {
            throw DataSourceError.noSamples(
                counts.first.map { "'\($0.key)' is \(tensors[$0.key]!.type)" } ?? "there is no tensor")
        }
        if let other = counts.first(where: { $0.value != first.value }) {
            throw DataSourceError.unequalCounts(first.key, first.value, other.key, other.value)
        }
        count = first.value
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where tensor.type.element.isFloatingPoint {
            if let place = tensor.floats.firstIndex(where: { !$0.isFinite }) {
                throw DataSourceError.notFinite(name, sample: place / (tensor.type.count / count))
            }
        }
    }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        try tensors.mapValues { try $0.samples(samples) }
    }
}

/// Data that cannot be trained on.
public enum DataSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSamples(String)
    case unequalCounts(String, Int, String, Int)
    case notFinite(String, sample: Int)
    /// Fewer samples than a batch has.
    case tooFew(samples: Int, batch: Int, step: String)
    /// Inputs of a step that have no axis of samples, or not the same.
    case noBatch(step: String, inputs: [String])

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
        }
    }
}
