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

    /// Where the log takes no line, the state is ahead of it or behind: the run goes on from its last checkpoint.
    @Test func aRunThatCouldNotWriteEndsLikeAnother() throws {
        try start("whole")
        let plan = try RunPlan<PointSettings>(startingIn: folder.file("run"), given: Self.settings)
        let table = folder.file("run") + "/log.csv"
        let trainer = try Trainer<PointTask>(plan, output: .silent) { step in
            guard step == 12 else { return false }
            unlink(table)
            return mkdir(table, 0o777) != 0
        }
        #expect(throws: FileError.self) { _ = try trainer.run() }
        #expect(try RunFolder(opening: folder.file("run")).latestCheckpoint()?.step == 10)
        rmdir(table)
        #expect(try goOn("run") == .finished)
        #expect(try Result(folder.file("run")) == Result(folder.file("whole")))
        #expect(try log("run").count == log("whole").count)
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

    // MARK: - Owners

    @Test func aRunHasOneOwner() throws {
        try start("run", until: 3)
        let run = folder.file("run")
        let plan = try RunPlan<PointSettings>(resuming: run, given: [:])
        #expect(throws: FolderLockError.held(path: run, by: .current)) { try goOn("run") }
        #expect(try RunPlan<PointSettings>(resuming: run, given: [:], holding: false).finishedEpochs == 0)
        #expect(try Trainer<PointTask>(plan, output: .silent) { _ in false }.run() == .finished)
        #expect(try goOn("run") == .finished)
    }

    /// Two new runs that were planned for the same folder: one trains, and the other one leaves it alone.
    @Test func oneOfTwoNewRunsIsRefused() throws {
        let run = folder.file("run")
        func trainer(_ shouldStop: @escaping (Int) -> Bool) throws -> Trainer<PointTask> {
            try Trainer(RunPlan(startingIn: run, given: Self.settings), output: .silent, shouldStop: shouldStop)
        }
        let second = try trainer { _ in false }, third = try trainer { _ in false }
        var refused = 0
        let first = try trainer { step in
            if step == 7, (try? second.run()) == nil { refused += 1 }
            return false
        }
        #expect(try first.run() == .finished && refused > 0)
        #expect(throws: RunError.runExists(path: run)) { try third.run() }
        try start("alone")
        #expect(try Result(run) == Result(folder.file("alone")))
        #expect(try log("run").count == log("alone").count)
        #expect(try !FileManager.default.contentsOfDirectory(atPath: run).contains(".lock"))
    }

    @Test func whatFailedBeforeItsFirstCheckpointGivesWay() throws {
        try start("whole")
        #expect(throws: PointBatches.Failure.self) { try start("run", ["failure": .integer(1)]) }
        try start("run")
        #expect(try Result(folder.file("run")) == Result(folder.file("whole")))
        #expect(try log("run").count == log("whole").count)
        #expect(throws: RunError.runExists(path: folder.file("run"))) { try start("run") }
    }

    /// An error of the data loses nothing: the epochs since the last checkpoint are there.
    @Test func aRunThatBrokeIsSavedWhereItStood() throws {
        #expect(throws: PointBatches.Failure.self) {
            try start("run", ["failure": .integer(18), "checkpoint-every": .integer(100)])
        }
        #expect(try RunFolder(opening: folder.file("run")).latestCheckpoint()?.step == 18)
    }

    /// A source that gives fewer batches than its task counted.
    @Test func dataThatEndsBeforeTheEpochIsAnError() throws {
        #expect(throws: RunError.dataEnded(epoch: 0, step: 3, of: 5)) { try start("run", ["missing": .integer(2)]) }
    }

    // MARK: - Numbers that are not finite

    /// The message of a run that ends so, after it has said that it searches.
    private func messageOfTheEnd(_ run: String, _ given: [String: SettingValue]) throws -> String {
        let lines = Lines()
        let error = #expect(throws: RunError.self) { try start(run, given, lines) }
        #expect(lines.said.contains { $0.contains("; looking where that begins: ") })
        return error?.description ?? ""
    }

    /// In the middle of an epoch, in the first one, and with several batches to an update.
    @Test(arguments: [(7, 1), (1, 1), (8, 2)])
    func theOperationAndTheSampleAreNamed(batch: Int, accumulation: Int) throws {
        let text = try messageOfTheEnd(
            "run", ["outlier": .integer(batch), "accum-iter": .integer(accumulation), "second-phase": .integer(1)])
        let step = accumulation == 1 ? batch + 1 : 4, epoch = batch / 5 + 1
        #expect(
            text.hasPrefix(
                "the loss is not finite in epoch \(epoch), step \(step): it begins with multiply, PointTask.swift:72, for point 5; try a lower "
            ), "\(text)")
        let checkpoint = try RunFolder(opening: folder.file("run")).latestCheckpoint()?.path
        #expect(text.contains(checkpoint ?? "there is no checkpoint yet"))
    }

    @Test func numbersThatAreNotFiniteBeforeAreNotBlamedOnTheRate() throws {
        let text = try messageOfTheEnd("run", ["outlier": .integer(7), "far": .number(1e300)])
        #expect(
            text.contains(
                "step 8: the input 'points' is not finite already, for point 5; remove or correct the data; the"),
            "\(text)")
        // The rate is infinite in f32: the loss of the second step is the first one that shows it.
        let weight = try messageOfTheEnd("other", ["rate": .number(1e39)])
        #expect(weight.contains("step 2: the update before has made '"), "\(weight)")
    }

    // MARK: - Changes on the way

    @Test func aChangeHasToBeAskedFor() throws {
        try start("run", until: 7)
        let run = folder.file("run")
        let error = #expect(throws: RunError.self) { try goOn("run", ["rate": .number(0.01)]) }
        #expect(
            error?.description
                == "rate is 0.01 here and 0.05 in the run that is resumed; leave it out here, go on with the change by "
                + "--allow-changes, or begin a new run by --out NEW")
        let fixed = #expect(throws: RunError.self) {
            try RunPlan<PointSettings>(
                resuming: run, given: ["rate": .number(0.01), "width": .integer(8)], allowingChanges: true)
        }
        #expect(fixed?.description.contains("; --width cannot change on the way: leave it out here, or begin") == true)

        let plan = try RunPlan<PointSettings>(
            resuming: run, given: ["rate": .number(0.01), "threads": .integer(1)], allowingChanges: true)
        #expect(try Trainer<PointTask>(plan, output: .silent) { $0 >= 7 }.run() == .stopped)
        // It is part of the run from now on.
        #expect(try goOn("run") == .finished)
        let lines = try log("run"), changes = lines.filter { $0["event"] as? String == "change" }
        #expect(changes.count == 1 && changes[0]["step"] as? Int == 7 && changes[0]["setting"] as? String == "rate")
        #expect(changes[0]["from"] as? String == "0.05" && changes[0]["to"] as? String == "0.01")
        #expect(lines.compactMap { $0["lr"] as? Double }.suffix(3) == [0.01, 0.01, 0.01])
    }

    @Test func whatIsNoRunIsNamed() throws {
        try start("run", until: 3)
        let checkpoint = try #require(try RunFolder(opening: folder.file("run")).latestCheckpoint()).path
        #expect(throws: RunError.runExpected(path: checkpoint, run: folder.file("run"))) {
            try RunPlan<PointSettings>(resuming: checkpoint, given: [:])
        }
        let file = folder.write([1], to: "file")
        #expect(throws: RunError.runExpected(path: file, run: nil)) {
            try RunPlan<PointSettings>(resuming: file, given: [:])
        }
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
        #expect(throws: SettingError.outOfRange(name: "width", value: .integer(0), allowed: "from 1 to 1024")) {
            try start("run", ["width": .integer(0)])
        }
        #expect(throws: RunError.tooFewBatches(batches: 5, accumulation: 6)) {
            try start("run", ["accum-iter": .integer(6)])
        }
        #expect(folder.contents.isEmpty)
        try start("run", [:], until: 1)
        let error = #expect(throws: RunError.self) { try goOn("run", ["width": .integer(8)]) }
        #expect(
            error?.description
                == "width is 8 here and 16 in the run that is resumed; --width cannot change on the way: leave it out here, "
                + "or begin a new run by --out NEW")
        #expect(throws: RunError.runExists(path: folder.file("run"))) { try start("run") }
    }

    @Test func aLossThatIsNotFiniteEndsTheRun() throws {
        let error = #expect(throws: RunError.self) { try start("run", ["rate": .number(1e38)]) }
        #expect(
            error?.description.hasSuffix("try a lower learning rate, or --clip-grad 1; there is no checkpoint yet")
                == true,
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
