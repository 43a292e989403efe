import ApusIR
import ApusRuntime

/// Samples that lie in memory: for each input of a step a tensor, whose first axis counts samples.
public struct ArrayData: DataSource {
    /// The tensors by the names of a step's inputs.
    public let tensors: [String: TensorData]
    /// The extent of all first axes.
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

    /// The arrays of an archive of NumPy (`.npz`), by their names: f4 and f8 as f32, i4 and i8 as i32, b1 as truth
    /// values.
    ///
    /// Throws ``NPYError`` for what cannot be read, `RuntimeError` for integers that i32 does not hold, and
    /// ``DataSourceError`` as ``init(_:)`` does.
    public init(contentsOf path: String) throws {
        let file = try NPZFile(contentsOf: path)
        try self.init(Dictionary(uniqueKeysWithValues: file.names.map { ($0, try file.tensor($0)) }))
    }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        try tensors.mapValues { try $0.samples(samples) }
    }
}
