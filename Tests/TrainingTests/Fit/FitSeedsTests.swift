import Apus
import Foundation
import Testing

@Suite struct FitSeedsTests {
    private let folder = TemporaryFolder()

    private func train(
        _ name: String, seeds: [Int], resuming: Bool = false, until last: @escaping (Int) -> Bool = { _ in false }
    ) throws -> SeedsResult {
        try fit(
            Circle.step(), Circle.points(96, seed: 1), in: folder.file(name), seeds: seeds,
            settings: Circle.settings(epochs: 2), validation: Circle.validation(Circle.points(64, seed: 2)),
            resuming: resuming, output: .silent, shouldStop: last)
    }

    @Test func comparesRunsOfSeveralSeeds() throws {
        let result = try train("runs", seeds: [4, 0, 7]), summary = try #require(result.summary)
        #expect(result.isFinished && summary.seeds == [4, 0, 7] && summary.task == "fit")
        // Each is the run of that seed.
        let alone = try [4, 0, 7].map { seed in
            try fit(
                Circle.step(), Circle.points(96, seed: 1), in: folder.file("alone-\(seed)"),
                settings: Circle.settings(epochs: 2, seed: seed),
                validation: Circle.validation(Circle.points(64, seed: 2)), output: .silent)
        }
        #expect(result.best == alone.compactMap(\.best))
        let losses = alone.compactMap { $0.means["loss"] }
        #expect(summary.results["loss"] == SeedSummary.Spread(of: losses) && Set(losses).count == 3)
        #expect(summary.results["accuracy"] == SeedSummary.Spread(of: alone.compactMap { $0.means["accuracy"] }))
        #expect(summary.results["best_score"] == SeedSummary.Spread(of: alone.compactMap { $0.best?.score }))
        for seed in [4, 0, 7] {
            #expect(
                try contents(of: folder.file("runs/seed-\(seed)/best.safetensors")).count
                    == contents(of: folder.file("alone-\(seed)/best.safetensors")).count)
        }
        let written = try Data(contentsOf: URL(fileURLWithPath: folder.file("runs/summary.json")))
        #expect(try JSONDecoder().decode(SeedSummary.self, from: written) == summary)
    }

    /// Stopped in the second run: the first is there, the third begins when the runs go on.
    @Test func goesOnWithThoseThatWereStopped() throws {
        let whole = try train("whole", seeds: [0, 1, 2])
        var asked = 0
        let stopped = try train("parts", seeds: [0, 1, 2]) { _ in
            asked += 1
            return asked > 12 + 4
        }
        #expect(!stopped.isFinished && stopped.summary == nil && stopped.best.count == 1)
        #expect(!FileManager.default.fileExists(atPath: folder.file("parts/summary.json")))
        let resumed = try train("parts", seeds: [0, 1, 2], resuming: true)
        #expect(resumed.summary == whole.summary && resumed.best == whole.best)
    }

    /// What no file of JSON holds is left out of the comparison.
    @Test func scoresThatAreNoNumbersAreNotCompared() throws {
        let none = Validation(
            InferenceStep { Output("x", Input("points", [8, 2])) }, try Circle.points(8, seed: 1)
        ) { _ in .nan }
        let result = try fit(
            Circle.step(), Circle.points(32, seed: 1), in: folder.file("runs"), seeds: [0, 1],
            settings: Circle.settings(epochs: 1), validation: none, output: .silent)
        #expect(result.summary?.results.keys.sorted() == ["accuracy", "loss"] && result.best.count == 2)
    }

    @Test func mistakesAreNamed() throws {
        #expect(message { _ = try train("a", seeds: []) } == "the seeds are []: give at least one, and each once")
        #expect(
            message { _ = try train("a", seeds: [1, 1]) } == "the seeds are [1, 1]: give at least one, and each once")
        #expect(throws: SettingError.self) { try train("a", seeds: [0, -1]) }
        #expect(throws: FitError.noRun(folder: folder.file("a"))) { try train("a", seeds: [0], resuming: true) }
        #expect(!FileManager.default.fileExists(atPath: folder.file("a")))
        _ = try train("b", seeds: [1])
        // Before anything is trained.
        #expect(throws: FitError.runExists(folder: folder.file("b/seed-1"))) { try train("b", seeds: [0, 1]) }
        #expect(!FileManager.default.fileExists(atPath: folder.file("b/seed-0")))
        #expect(try train("b", seeds: [1, 2], resuming: true).isFinished)
    }
}
