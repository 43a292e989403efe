import Apus
import Foundation
import Testing

/// Runs of a task that is none of a shipped model: the trainer knows nothing of what it trains.
@Suite struct TrainerTests {
    private let folder = TemporaryFolder()

    /// What a run says, besides progress.
    private final class Lines {
        var said: [String] = [], warned: [String] = []

        var output: TrainingOutput {
            TrainingOutput(
                progress: ProgressWriter(isTerminal: false) { _ in }, warn: { self.warned.append($0) },
                write: { self.said.append($0) })
        }

        /// The names of the compiled programs.
        var compiled: [String] {
            said.filter { $0.hasPrefix("compiled ") }.map {
                $0.split(separator: " ").dropLast(3).joined(separator: " ")
            }
        }
    }

    /// The tensors and the metadata of the newest checkpoint of a run.
    private struct Result: Equatable {
        var tensors: [String: [UInt8]], metadata: [String: String]

        init(_ run: String) throws {
            let latest = try #require(try RunFolder(opening: run).latestCheckpoint())
            let file = try SafetensorsFile(contentsOf: latest.path)
            tensors = try Dictionary(uniqueKeysWithValues: file.names.map { ($0, try file.bytes($0)) })
            metadata = file.metadata
            metadata["settings"] = nil
        }
    }

    private static let settings: [String: SettingValue] = ["threads": .integer(2)]

    @discardableResult
    private func start(
        _ run: String, _ given: [String: SettingValue] = [:], until last: Int = .max, _ lines: Lines = Lines()
    ) throws -> Trainer<PointTask> {
        let plan = try RunPlan<PointSettings>(
            startingIn: folder.file(run), given: Self.settings.merging(given) { $1 })
        let trainer = try Trainer<PointTask>(plan, output: lines.output) { $0 >= last }
        _ = try trainer.run()
        return trainer
    }

    @discardableResult
    private func goOn(
        _ run: String, _ given: [String: SettingValue] = [:], until last: Int = .max, _ lines: Lines = Lines()
    ) throws -> TrainingOutcome {
        let plan = try RunPlan<PointSettings>(resuming: folder.file(run), given: given)
        return try Trainer<PointTask>(plan, output: lines.output) { $0 >= last }.run()
    }

    private func log(_ run: String) throws -> [[String: Any]] {
        try String(contentsOfFile: folder.file(run) + "/log.jsonl", encoding: .utf8).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    // MARK: - Going on

    /// Stopped within the first phase, at its end, and within the second.
    @Test(arguments: [
        ([3], 1), ([10], 1), ([12], 1), ([0, 1, 4, 10, 11, 19], 1), ([1], 2), ([4, 5], 2),
    ])
    func aStoppedRunEndsLikeAnother(stops: [Int], accumulation: Int) throws {
        let given: [String: SettingValue] = ["accum-iter": .integer(accumulation)]
        try start("whole", given)
        let expected = try Result(folder.file("whole"))
        #expect(expected.metadata["step"] == (accumulation == 1 ? "20" : "8"))
        #expect(expected.tensors["stretch"]?.count == 8)
        try start("stopped", given, until: stops[0])
        for stop in stops.dropFirst() {
            #expect(try goOn("stopped", ["threads": .integer(3)], until: stop) == .stopped)
        }
        #expect(try goOn("stopped", ["threads": .integer(1)]) == .finished)
        #expect(try Result(folder.file("stopped")) == expected)
        let keys = ["event", "epoch", "step", "loss", "accuracy", "lr", "phase", "points"]
        for (first, second) in zip(try log("whole"), try log("stopped")) {
            for key in keys { #expect(first[key] as? NSObject == second[key] as? NSObject, "\(key)") }
        }
        #expect(try log("whole").count == log("stopped").count)
    }

    /// An error in the middle of an epoch leaves the last checkpoint, from which the run goes on.
    @Test(arguments: [1, 7, 10, 18])
    func aRunThatBrokeEndsLikeAnother(failure: Int) throws {
        try start("whole")
        #expect(throws: PointBatches.Failure.self) { try start("broken", ["failure": .integer(failure)]) }
        #expect(try goOn("broken", ["failure": .integer(1000)]) == .finished)
        #expect(try Result(folder.file("broken")) == Result(folder.file("whole")))
    }

    @Test func theSeedDecides() throws {
        try start("first")
        try start("second", ["seed": .integer(1)])
        #expect(try Result(folder.file("first")).tensors != Result(folder.file("second")).tensors)
    }

    @Test func trainingTrains() throws {
        let trainer = try start("run", ["epochs": .integer(40), "second-phase": .integer(1000)])
        let losses = try log("run").compactMap { $0["event"] as? String == "epoch" ? $0["loss"] as? Double : nil }
        #expect(losses.count == 40 && losses[39] < 0.5 * losses[0], "\(losses)")
        #expect(trainer.results.keys.sorted() == ["accuracy", "loss"])
        // The reader of JSON is an ulp off now and then.
        #expect(abs(try #require(trainer.results["loss"]) - losses[39]) <= losses[39].ulp)
    }

    // MARK: - Phases

    @Test func aPhaseHasItsProgramAndItsName() throws {
        let lines = Lines()
        try start("run", [:], lines)
        #expect(
            lines.compiled == [
                "compiled a training step with plain points", "compiled a training step with stretched points",
            ])
        #expect(lines.warned.isEmpty)
        let epochs = try log("run").filter { $0["event"] as? String == "epoch" }
        #expect(epochs.map { $0["phase"] as? String } == ["plain", "plain", "stretched", "stretched"])
        #expect(try log("run").first?["task"] as? String == "points")
    }

    @Test func aTaskNeedsNoPhases() throws {
        let lines = Lines()
        let plan = try RunPlan<PointSettings>(startingIn: folder.file("run"), given: Self.settings)
        let trainer = try Trainer<PlainPointTask>(plan, output: lines.output) { _ in false }
        #expect(try trainer.dryRun().phases.map(\.name) == [nil])
        let again = try Trainer<PlainPointTask>(plan, output: lines.output) { _ in false }
        #expect(try again.run() == .finished)
        #expect(lines.compiled == ["compiled a training step", "compiled a training step"])
        #expect(again.results.keys.sorted() == ["loss"])
    }

    // MARK: - Beside training

    /// Inputs that are computed between epochs are not there yet; the run is timed without them.
    @Test func aDryRunWritesNothing() throws {
        let plan = try RunPlan<PointSettings>(startingIn: folder.file("run"), given: Self.settings)
        let run = try Trainer<PointTask>(plan, output: .silent) { _ in false }.dryRun()
        #expect(run.phases.map(\.name) == ["plain points", "stretched points"])
        #expect(run.phases.map(\.steps) == [10, 10] && run.stepsPerEpoch == 5 && run.imagesPerStep == 8)
        let lines = run.text.split(separator: "\n")
        #expect(lines[0] == "points: 40 points in 2 classes; 4 epochs of 5 steps of 8 images; 20 steps to go")
        #expect(lines[1].hasPrefix("plain points: 2 epochs, 10 steps of 0."))
        #expect(folder.contents.isEmpty)
    }

    @Test func seedsAreComparedByTheirResults() throws {
        let runs = try SeedRuns<PointTask>(startingIn: folder.file("runs"), count: 2, given: Self.settings)
        #expect(try runs.run(output: .silent) { _ in false } == .finished)
        let summary = try JSONDecoder().decode(
            SeedSummary.self, from: Data(contentsOf: URL(fileURLWithPath: folder.file("runs/summary.json"))))
        #expect(summary.task == "points" && summary.seeds == [0, 1])
        let loss = try #require(summary.results["loss"])
        #expect(loss.values.count == 2 && loss.values[0] != loss.values[1])
        #expect(loss.mean == (loss.values[0] + loss.values[1]) / 2)
    }

    // MARK: - What makes no run

    @Test func settingsThatDoNotFit() throws {
        #expect(throws: SettingError.unknown(name: "height")) { try start("run", ["height": .integer(1)]) }
        #expect(throws: SettingError.outOfRange(name: "width", value: .integer(0), allowed: "from 1 to 64")) {
            try start("run", ["width": .integer(0)])
        }
        #expect(throws: RunError.tooFewBatches(batches: 5, accumulation: 6)) {
            try start("run", ["accum-iter": .integer(6)])
        }
        #expect(folder.contents.isEmpty)
        try start("run", [:], until: 1)
        let error = #expect(throws: RunError.self) { try goOn("run", ["width": .integer(8)]) }
        #expect(error?.description == "width is 8 here and 16 in the run that is resumed")
        #expect(throws: RunError.runExists(path: folder.file("run"))) { try start("run") }
    }

    @Test func aLossThatIsNotFiniteEndsTheRun() throws {
        let error = #expect(throws: RunError.self) { try start("run", ["rate": .number(1e38)]) }
        #expect(
            error?.description.hasSuffix("try a lower learning rate; there is no checkpoint yet") == true,
            "\(error?.description ?? "")")
    }

    @Test func checkpointsOfOtherRunsAreNotTaken() throws {
        try start("run", [:], until: 1)
        let latest = try #require(try RunFolder(opening: folder.file("run")).latestCheckpoint()).path
        try SafetensorsWriter.write(to: latest, metadata: ["format": "other"], tensors: [])
        #expect(
            throws: RunError.foreignCheckpoint(
                path: latest, reason: "it was not written by this program's training on points")
        ) { try goOn("run") }
    }
}
