/// What a run says of itself: the progress line and the fields of its log.
extension Trainer {
    /// Fields of the log's first line that every run has.
    var startFields: [(String, RunLog.Value)] {
        [
            ("task", .text(Task.Settings.workflow.name)), ("classes", .integer(task.identity.classes.count)),
            ("class_names", .list(task.identity.classes.map { .text($0) })), ("seed", .integer(plan.settings.seed)),
            ("weights", .integer(trainableNumbers)),
        ]
    }

    /// Numbers in the weights that are trained.
    private var trainableNumbers: Int {
        let programs = try? programs(for: task.phase(ofEpoch: position.epoch))
        return programs?.update.parameters.filter(\.trainable).reduce(0) { $0 + $1.type.count } ?? 0
    }

    /// Shows the metrics of the step that was just made.
    func show(_ metrics: [Double]) {
        let settings = plan.settings
        let stepsLeft = settings.epochs * stepsPerEpoch - position.step
        output.show(
            TrainingProgress(
                epoch: position.epoch + 1, of: settings.epochs, step: position.stepInEpoch, of: stepsPerEpoch,
                values: zip(task.metrics, metrics).map { ($0.short, $1) },
                images: speed.images, seconds: speed.seconds, waiting: speed.waiting,
                imagesLeft: stepsLeft * settings.effectiveBatch))
    }

    /// A line of the log with metrics.
    func fields(_ event: String, _ metrics: [Double], learningRate: Double) -> [(String, RunLog.Value)] {
        [("event", .text(event)), ("epoch", .integer(position.epoch)), ("step", .integer(position.step))]
            + zip(task.metrics, metrics).map { ($0.output, .number($1)) }
            + [
                ("lr", .number(learningRate)), ("images_per_s", .number(speed.imagesPerSecond)),
                ("seconds", .number(speed.total)),
            ] + task.logFields(of: task.phase(ofEpoch: position.epoch))
    }
}

/// How fast the current phase trains.
struct Speed<Phase: Equatable> {
    private(set) var images = 0
    private(set) var seconds = 0.0
    /// Seconds of these until batches were there.
    private(set) var waiting = 0.0
    /// Seconds of training in all phases since the process began.
    private(set) var total = 0.0
    private var phase: Phase?

    var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }

    /// Measures anew if the phase is another one.
    mutating func begin(_ phase: Phase?) {
        if phase != self.phase { (images, seconds, waiting, self.phase) = (0, 0, 0, phase) }
    }

    mutating func add(images count: Int, seconds duration: Double) {
        images += count
        seconds += duration
        total += duration
    }

    mutating func add(waiting duration: Double) { waiting += duration }
}
