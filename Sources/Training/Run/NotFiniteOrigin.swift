import ApusIR
import ApusLayers
import ApusRuntime

/// Where the first number that is not finite came from in an update of the weights.
public struct NotFiniteOrigin: Hashable, Sendable, CustomStringConvertible {
    /// Where a number may have become what it is.
    public enum Source: Hashable, Sendable {
        /// What the data gives, such as the pixels.
        case input(String)
        /// A weight that the update before has spoilt.
        case weight(String)
        /// An operation of finite operands, and where it was declared, with its layer.
        case operation(String, at: SourceLocation?)
    }

    /// Where it began.
    public let source: Source
    /// The images, or what else the batch is made of, of which it is; empty if it is of all, or of none of them alone.
    public let samples: [String]

    public var description: String {
        let what =
            switch source {
            case .input(let name): "the input '\(name)' is not finite already"
            case .weight(let name): "the update before has made '\(name)' so"
            case .operation(let name, let place): "it begins with \(name)\(place.map { ", \($0)" } ?? "")"
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
            try training.addParameters(to: state, seed: settings.seed)
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
            state: state, folder: folder, epoch: position.epoch, step: step, means: lastMeans,
            shouldStop: { [shouldStop] in shouldStop(step) }, log: { _ in }, saveBest: {})
    }

    /// The origin in the update that comes next.
    private func origin(of batches: Task.Batches, _ step: TrainingStep) throws -> NotFiniteOrigin? {
        let probe = FiniteProbe(graph: try step.trace().graph, compile: { [compiler] in try compiler.compile($0) })
        for number in 1...settings.accumulation {
            for share in ranks.ownShares {
                guard let batch = try batches.next() else { return nil }
                let inputs = try task.inputs(
                    batch, at: BatchPlace(seed: settings.seed, step: position.step, number: number, rank: share))
                if let origin = try probe.origin(state, inputs, samples: task.names(of: batch)) { return origin }
            }
        }
        return nil
    }
}
