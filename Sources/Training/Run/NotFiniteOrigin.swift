import ApusIR
import ApusLayers
import ApusRuntime

/// Where the first number that is not finite came from in an update of the weights.
public struct NotFiniteOrigin: Hashable, Sendable, CustomStringConvertible {
    public enum Source: Hashable, Sendable {
        /// What the data gives, such as the pixels.
        case input(String)
        /// A weight that the update before has spoilt.
        case weight(String)
        /// An operation of finite operands in a layer.
        case operation(String, layer: String)
    }

    public let source: Source
    /// The images, or what else the batch is made of, of which it is; empty if it is of all, or of none of them alone.
    public let samples: [String]

    public var description: String {
        let what =
            switch source {
            case .input(let name): "the input '\(name)' is not finite already"
            case .weight(let name): "the update before has made '\(name)' so"
            case .operation(let name, let layer): "it begins with \(name)\(layer.isEmpty ? "" : " in \(layer)")"
            }
        guard !samples.isEmpty else { return what }
        return what + ", for " + samples.prefix(3).joined(separator: ", ")
            + (samples.count > 3 ? " and \(samples.count - 3) more" : "")
    }

    /// What can be done about it.
    var advice: String {
        if case .input = source { "remove or correct the data" } else { "try a lower learning rate, or --clip-grad 1" }
    }
}

extension Trainer {
    /// Seconds that the search for the origin may take.
    private static var longestSearch: Double { 300 }

    /// Looks for where the numbers of the update at hand stopped being finite. The weights before it are gone, so
    /// training goes once more from the newest checkpoint up to there; nothing is written, and the trainer is of no
    /// further use. Nil if that would take too long or does not come to it again.
    func searchOrigin(in folder: RunFolder) throws -> NotFiniteOrigin? {
        let target = position.step, checkpoint = try folder.latestCheckpoint()
        let steps = target - (checkpoint?.step ?? 0), seconds = Double(steps) * secondsPerStep
        guard seconds <= Self.longestSearch else { return nil }
        output.say(
            "the loss is not finite in epoch \(position.epoch + 1), step \(target + 1); looking where that begins: "
                + "\(steps) steps once more, about \(Int(seconds.rounded(.up))) s")
        try goBack(to: checkpoint)
        if position.stepInEpoch == 0, try task.betweenEpochs(silentSession(folder)) != .goOn { return nil }
        while true {
            let phase = task.phase(ofEpoch: position.epoch), training = try programs(for: phase)
            for program in [training.accumulate, training.update] {
                try program?.addParameters(to: state, seed: settings.seed)
            }
            let batches = try task.batches(
                ofEpoch: position.epoch, startingAtBatch: position.stepInEpoch * settings.accumulation)
            defer { batches.stop() }
            while position.stepInEpoch < stepsPerEpoch {
                if shouldStop(position.step) { return nil }
                if position.step == target { return try origin(of: batches, try task.trainingStep(phase)) }
                position.add(try step(batches, training))
            }
            position.endEpoch()
            guard try task.betweenEpochs(silentSession(folder)) == .goOn else { return nil }
        }
    }

    /// A session in which nothing is written.
    private func silentSession(_ folder: RunFolder) -> TrainingSession {
        let step = position.step
        return TrainingSession(
            state: state, folder: folder, epoch: position.epoch, step: step,
            shouldStop: { [shouldStop] in shouldStop(step) }, log: { _ in }, saveBest: {})
    }

    /// The origin in the update that comes next.
    private func origin(of batches: Task.Batches, _ step: TrainingStep) throws -> NotFiniteOrigin? {
        if let name = try state.firstNotFinite() { return NotFiniteOrigin(source: .weight(name), samples: []) }
        let probe = FiniteProbe(graph: try step.trace().graph)
        for number in 1...settings.accumulation {
            guard let batch = try batches.next() else { return nil }
            let inputs = try task.inputs(
                batch, at: BatchPlace(seed: settings.seed, step: position.step, number: number))
            let names = task.names(of: batch)
            for (name, numbers) in inputs.sorted(by: { $0.key < $1.key }) where numbers.type.element == .f32 {
                guard numbers.floats.contains(where: { !$0.isFinite }) else { continue }
                return NotFiniteOrigin(source: .input(name), samples: Self.samples(numbers.floats, names))
            }
            guard let value = try probe.firstNotFinite(compiler, state, inputs) else { continue }
            let node = probe.graph[value]
            return NotFiniteOrigin(
                source: .operation(node.operation.name, layer: node.location?.path ?? ""),
                samples: Self.samples(try probe.numbers(of: value, compiler, state, inputs), names))
        }
        return nil
    }

    /// Those of a batch whose numbers are not finite, where the numbers are divided among them; none if all are such.
    private static func samples(_ numbers: [Float], _ names: [String]) -> [String] {
        guard !names.isEmpty, numbers.count.isMultiple(of: names.count) else { return [] }
        let count = numbers.count / names.count
        let found = names.indices.filter { sample in
            numbers[sample * count..<(sample + 1) * count].contains { !$0.isFinite }
        }
        return found.count == names.count ? [] : found.map { names[$0] }
    }
}

/// Finds the first value of a forward pass that is not finite.
private struct FiniteProbe {
    let graph: Graph

    /// The first operation whose result is not finite.
    func firstNotFinite(_ compiler: RunCompiler, _ state: ProgramState, _ inputs: [String: TensorData]) throws -> Value?
    {
        let computed = graph.values.filter { !graph[$0].operands.isEmpty && graph[$0].type.element == .f32 }
        let report = try run(compiler, state, inputs) { builder in
            for value in computed {
                let tensor = builder.tensor(value)
                builder.output("\(value)", maximum(abs(tensor), axes: Array(tensor.shape.indices)))
            }
        }
        return computed.first { report["\($0)"].map { !$0.scalar.isFinite } ?? false }
    }

    /// The numbers of one value.
    func numbers(
        of value: Value, _ compiler: RunCompiler, _ state: ProgramState, _ inputs: [String: TensorData]
    ) throws -> [Float] {
        try run(compiler, state, inputs) { $0.output("\(value)", $0.tensor(value)) }["\(value)"]?.floats ?? []
    }

    /// Runs the forward pass for other results than its own; it changes no state.
    private func run(
        _ compiler: RunCompiler, _ state: ProgramState, _ inputs: [String: TensorData],
        _ declare: (GraphBuilder) -> Void
    ) throws -> StepReport {
        var graph = graph
        graph.results = []
        let builder = GraphBuilder(extending: graph)
        declare(builder)
        let program = try compiler.compile(builder.finish())
        return try program.run(state, program.taken(from: inputs))
    }
}
