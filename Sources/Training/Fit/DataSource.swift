import ApusIR
import ApusRuntime

/// Samples to train on: how many there are, and the tensors of any of them.
///
/// `fit` asks for the next batches on other threads while a step runs, several at once if
/// ``FitSettings/loaderThreads`` is more than one, and may have asked for some that it does not come to any more.
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
    /// What a run is bound to, so that it does not go on with other data; nil for the number of samples alone.
    var identity: DataIdentity? { get }
}

extension DataSource {
    /// The sample's number.
    public func name(of sample: Int) -> String { "sample \(sample)" }
    /// Nothing that is compared when a run goes on.
    public var identity: DataIdentity? { nil }
}
