import Foundation

/// What a run would do: its steps, its memory, and about how long it would take.
public struct DryRun: Sendable {
    /// Epochs that are trained by one program.
    public struct Phase: Sendable {
        /// What it is called; nil if it is the only one.
        public let name: String?
        /// Epochs and updates of the weights that are still to come.
        public let epochs: Int, steps: Int
        /// Weights, what the optimizer keeps about them, and activations of a batch.
        public let weightBytes: Int, optimizerBytes: Int, activationBytes: Int
        /// Of one update, reading images included.
        public let secondsPerStep: Double
    }

    /// What is trained.
    public let task: String
    /// How many classes the images have.
    public let classes: Int
    /// How many images there are to train on, and what they are.
    public let images: String
    /// Epochs, updates of the weights in each, and images of one update.
    public let epochs: Int, stepsPerEpoch: Int, imagesPerStep: Int
    /// What is trained one after the other, each by one program.
    public let phases: [Phase]
    /// What a user may not expect of the settings.
    public let notes: [String]

    /// Seconds of training, without what comes between epochs.
    public var seconds: Double { phases.reduce(0) { $0 + $1.secondsPerStep * Double($1.steps) } }

    /// All of it in lines for a terminal.
    public var text: String {
        func megabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1e6) }
        let steps = phases.reduce(0) { $0 + $1.steps }
        let first =
            "\(task): \(images) in \(classes) classes; \(epochs) epochs of \(stepsPerEpoch) steps of \(imagesPerStep) images; "
        return
            (["\(first)\(steps) steps to go"]
            + phases.map { phase in
                let bytes = phase.weightBytes + phase.optimizerBytes + phase.activationBytes
                return
                    "\(phase.name ?? "training"): \(phase.epochs) epochs, \(phase.steps) steps of "
                    + String(format: "%.3f s", phase.secondsPerStep)
                    + ", memory \(megabytes(bytes)) MB: weights \(megabytes(phase.weightBytes)), "
                    + "optimizer \(megabytes(phase.optimizerBytes)), activations \(megabytes(phase.activationBytes))"
            }
            + notes.map { "note: \($0)" }
            + [
                "about \(TrainingProgress.clock(seconds)) of training, beside what comes between epochs; nothing was written"
            ])
            .joined(separator: "\n")
    }
}

extension Trainer {
    /// Compiles the programs and times a step of each; writes nothing. The trainer is of no further use.
    public func dryRun() throws -> DryRun {
        let settings = plan.settings
        let epochs = position.epoch..<max(position.epoch, settings.epochs)
        var phases: [Task.Phase] = []
        for phase in epochs.map(task.phase(ofEpoch:)) where !phases.contains(phase) { phases.append(phase) }
        let parts = try phases.map { phase in
            let own = epochs.filter { task.phase(ofEpoch: $0) == phase }
            let begun = own.contains(position.epoch) ? position.stepInEpoch : 0
            let training = try programs(for: phase), program = training.update
            return DryRun.Phase(
                name: task.name(of: phase), epochs: own.count, steps: own.count * stepsPerEpoch - begun,
                weightBytes: program.parameterBytes - program.update.program.optimizerBytes,
                optimizerBytes: program.update.program.optimizerBytes,
                activationBytes: program.activationBytes, secondsPerStep: try secondsPerStep(training, epoch: own[0]))
        }
        return DryRun(
            task: Task.Settings.workflow.name, classes: task.identity.classes.count, images: task.identity.images,
            epochs: settings.epochs,
            stepsPerEpoch: stepsPerEpoch, imagesPerStep: settings.effectiveBatch, phases: parts,
            notes: settings.notes)
    }

    /// The time of the second step of an epoch, or of the first one if it has no second.
    private func secondsPerStep(_ training: TrainingPrograms, epoch: Int) throws -> Double {
        try adaptState(to: training)
        try training.addParameters(to: state, seed: plan.settings.seed)
        let batches = try task.batches(ofEpoch: epoch, startingAtBatch: 0)
        defer { batches.stop() }
        var seconds = 0.0
        for _ in 0..<min(2, stepsPerEpoch) {
            // What is computed between epochs is not there yet.
            seconds = try Clock.time { try step(batches, training, fillingIn: true) }.seconds
        }
        return seconds
    }
}
