import Apus
import Foundation

/// Settings of a classifier of points in the plane.
struct PointSettings: RunSettings {
    static let workflow = Workflow("points", format: "tests.points", activity: "training on points")

    var width = 16
    var rate = 0.05
    /// The first epoch of the second phase.
    var secondPhase = 2
    /// The update before which the source of batches breaks; nil if it never does.
    var failure: Int?
    /// How many batches each epoch has less than it was counted to have.
    var missing = 0
    /// The batch whose sixth point has `far` as a coordinate; nil if there is none.
    var outlier: Int?
    var far = 1e30

    var precision = CompilerOptions.Precision.float32
    var products = CompilerOptions.Products.generated
    var memoryLimit: ByteCount?
    var epochs = 4
    var batch = 8
    var accumulation = 1
    var shares: Int?, rankGradients = CompilerOptions.Precision.float32, dividesState = false
    var seed = 0
    var threads: Int?
    var pinned = false
    var checkpointInterval = 1
    var keptCheckpoints = 2
    var logInterval = 2

    static let all: [Setting<Self>] =
        [
            Setting("width", \.width, "Hidden numbers.", .range(1...1024)),
            Setting("rate", \.rate, "The learning rate.", .from(0), changesOnTheWay: true),
            Setting("second-phase", \.secondPhase, "The first epoch of the second phase.", .range(0...1000)),
            Setting(
                "failure", \.failure, "Where batches end with an error.", .range(0...1000), unset: "never",
                shapesTheResult: false),
            Setting("missing", \.missing, "Batches that an epoch lacks.", .range(0...5), shapesTheResult: false),
            Setting("outlier", \.outlier, "Where one point is far away.", .range(0...1000), unset: "nowhere"),
            Setting("far", \.far, "How far that is."),
        ] + Setting.compilation + Setting.length + Setting.seed + Setting.running

    var data: String { "points" }
    var schedule: LearningRateSchedule { .constant(rate) }
}

/// Learns on which side of a line points lie: at first from the points as they are, then from points that are
/// stretched by numbers which are computed from the weights before each epoch.
final class PointTask: ConfiguredTask {
    typealias Settings = PointSettings
    enum Phase: String { case plain, stretched }

    let identity = DataIdentity(classes: ["left", "right"], images: "40 points")
    let batchesPerEpoch = 5
    let metrics = [TrainingMetric.loss, .accuracy]

    private let settings: PointSettings
    private var stretch: (epoch: Int, factors: [Float])?

    init(_ settings: PointSettings, _ compiler: RunCompiler, _ output: TrainingOutput) { self.settings = settings }

    func phase(ofEpoch epoch: Int) -> Phase { epoch < settings.secondPhase ? .plain : .stretched }
    func name(of phase: Phase) -> String? { "\(phase.rawValue) points" }
    func logFields(of phase: Phase) -> [(String, RunLog.Value)] { [("phase", .text(phase.rawValue))] }

    func trainingStep(_ phase: Phase) -> TrainingStep {
        let (batch, width) = (settings.batch, settings.width)
        return TrainingStep(optimizer: .adamW(learningRate: settings.rate)) {
            let given = Input("points", [batch, 2])
            let points = phase == .stretched ? given * Input("stretch", [batch, 2]) : given
            let labels = Input("labels", [batch], .int32)
            let model = Sequential {
                Linear(2, width)
                Tanh()
                Linear(width, 2)
            }
            // What is far away overflows; others lose no digit.
            let logits = model(points) + (points * points - points * points * points) * 1e-30
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    func names(of batch: PointBatches.Batch) -> [String] { (0..<settings.batch).map { "point \($0)" } }

    func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) -> PointBatches {
        PointBatches(settings, epoch: epoch, next: batch, count: batchesPerEpoch - settings.missing)
    }

    func inputs(_ batch: PointBatches.Batch, at place: BatchPlace) throws -> [String: TensorData] {
        var inputs = [
            "points": try TensorData(batch.points, shape: [settings.batch, 2]), "labels": try TensorData(batch.labels),
            "unused": try TensorData([Float(place.step)], shape: [1]),
        ]
        if let stretch {
            let factors = (0..<settings.batch).flatMap { _ in stretch.factors }
            inputs["stretch"] = try TensorData(factors, shape: [settings.batch, 2])
        }
        return inputs
    }

    func begin() throws -> [(String, RunLog.Value)] { [("points", .integer(40))] }

    func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision {
        guard session.epoch < settings.epochs, phase(ofEpoch: session.epoch) == .stretched,
            stretch?.epoch != session.epoch
        else { return .goOn }
        let weights = try session.state.read("0.weight").floats
        stretch = (session.epoch, weights.prefix(2).map { 1 + abs($0) })
        return .goOn
    }

    var savedTensors: [SafetensorsWriter.Tensor] { stretch.map { [.init("stretch", [2], floats: $0.factors)] } ?? [] }
    var savedMetadata: [String: String] { stretch.map { ["stretch_epoch": String($0.epoch)] } ?? [:] }

    func restore(from file: SafetensorsFile) throws {
        guard let epoch = file.metadata["stretch_epoch"].flatMap({ Int($0) }) else { return }
        stretch = (epoch, try file.floats("stretch"))
    }
}

/// Points of an epoch, a function of the seed and of their place.
final class PointBatches: BatchSource {
    typealias Batch = (points: [Float], labels: [Int32])
    struct Failure: Error {}

    private let settings: PointSettings, epoch: Int, count: Int
    private var number: Int

    init(_ settings: PointSettings, epoch: Int, next: Int, count: Int) {
        (self.settings, self.epoch, number, self.count) = (settings, epoch, next, count)
    }

    func next() throws -> Batch? {
        guard number < count else { return nil }
        if let failure = settings.failure, epoch * count + number == failure { throw Failure() }
        var random = CounterRandom(
            seed: UInt64(settings.seed), epoch: epoch, index: number, purpose: .init(rawValue: 100))
        var points = (0..<2 * settings.batch).map { _ in Float(random.uniform(in: -1...1)) }
        if epoch * count + number == settings.outlier { points[10] = Float(settings.far) }
        number += 1
        let labels = (0..<settings.batch).map { number in
            let (x, y) = (points[2 * number], points[2 * number + 1])
            return Int32(x > y ? 1 : 0)
        }
        return (points, labels)
    }

    func stop() {}
}

/// The same with nothing but what every task must have.
final class PlainPointTask: ConfiguredTask {
    typealias Settings = PointSettings

    let identity = DataIdentity(classes: ["left", "right"], images: "40 points")
    let batchesPerEpoch = 5
    let metrics = [TrainingMetric.loss]
    private let points: PointTask

    init(_ settings: PointSettings, _ compiler: RunCompiler, _ output: TrainingOutput) {
        points = PointTask(settings, compiler, output)
    }

    func trainingStep(_: SinglePhase) -> TrainingStep { points.trainingStep(.plain) }

    func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) -> PointBatches {
        points.batches(ofEpoch: epoch, startingAtBatch: batch)
    }

    func inputs(_ batch: PointBatches.Batch, at place: BatchPlace) throws -> [String: TensorData] {
        try points.inputs(batch, at: place)
    }
}
