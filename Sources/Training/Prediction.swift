import ApusIR
import ApusRuntime

extension CompiledStep {
    /// Runs a computation without training on any number of samples, in batches as large as it was compiled for.
    ///
    /// The first axis of every input counts samples. The last batch is filled up by repeating its last sample, and what
    /// comes out for those is dropped, so that results are those of each sample alone. They are by name, with all
    /// samples along the first axis.
    ///
    /// Throws if the step trains, if an output has no axis of samples, or if inputs do not fit.
    public func predict(_ state: ProgramState, _ inputs: [String: TensorData]) throws -> [String: TensorData] {
        let batch = try batchSize()
        var count: Int?
        for binding in program.inputs {
            guard let data = inputs[binding.name] else {
                throw RuntimeError(
                    .name, "the input '\(binding.name)' (\(binding.type)) of '\(program.name)' is missing")
            }
            guard let samples = data.type.shape.first, samples > 0, data.type == binding.type.withSamples(samples)
            else {
                throw RuntimeError(
                    .type,
                    "the input '\(binding.name)' of '\(program.name)' is \(binding.type) for \(batch) samples, given \(data.type)"
                )
            }
            guard count ?? samples == samples else {
                throw RuntimeError(
                    .type, "the input '\(binding.name)' has \(samples) samples, others have \(count ?? 0)")
            }
            count = samples
        }
        let samples = count ?? 0, names = Set(program.inputs.map(\.name))
        var parts: [String: [TensorData]] = [:]
        for start in stride(from: 0, to: samples, by: batch) {
            let rows = (start..<start + batch).map { min($0, samples - 1) }
            let report = try run(state, inputs.filter { names.contains($0.key) }.mapValues { try $0.samples(rows) })
            let wanted = Array(0..<min(batch, samples - start))
            for (name, data) in report.outputs {
                parts[name, default: []].append(wanted.count == batch ? data : try data.samples(wanted))
            }
        }
        return try parts.mapValues { try TensorData.joined($0) }
    }

    /// How many samples one run takes.
    private func batchSize() throws(RuntimeError) -> Int {
        guard !trains else {
            throw RuntimeError(.value, "'\(program.name)' is a step of training; declare an InferenceStep to predict")
        }
        let first = program.inputs.first?.type.shape.first
        for binding in program.inputs + program.outputs where binding.type.shape.first != first || first == nil {
            throw RuntimeError(
                .type,
                "'\(binding.name)' of '\(program.name)' is \(binding.type), without an axis of samples in front"
                    + (first.map { ", of which '\(program.inputs[0].name)' has \($0)" } ?? ""))
        }
        guard let first else { throw RuntimeError(.name, "'\(program.name)' has no inputs, so there are no samples") }
        return first
    }
}

extension TensorType {
    /// The type with another extent of the first axis.
    fileprivate func withSamples(_ count: Int) -> TensorType {
        rank == 0 ? self : with(shape: [count] + shape.dropFirst())
    }
}
