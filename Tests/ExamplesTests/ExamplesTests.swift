import Apus
import ApusExamples
import Foundation
import Testing

@Suite struct ExamplesTests {
    @Test func digitsAreLearned() throws {
        let (training, test) = try Digits(spots: 200, seed: 1).split()
        #expect(training.count == 160 && test.count == 40)
        #expect(try lossFalls(DigitClassifier.step(batch: 32), training.batch(Array(0..<32), epoch: 0), runs: 20))
        // Training and measurement as the command line has them.
        var options = ExampleOptions()
        (options.epochs, options.threads) = (30, 2)
        let result = try DigitClassifier.train(Digits(spots: 200, seed: 1), options)
        #expect(result.reached > 0.8 && result.description.hasPrefix("digits: reached "))
    }

    @Test func digitsAreReadFromLines() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        func read(_ lines: [String]) throws -> Digits {
            try Data(lines.joined(separator: "\n").utf8).write(to: file)
            return try Digits(contentsOf: file.path)
        }
        let line = "16,8" + String(repeating: ",0", count: 62) + ",3"
        let digits = try read(Array(repeating: line, count: 10))
        #expect(digits.images.count == 10 && digits.labels[9] == 3)
        #expect(digits.images[0].count == 64 && digits.images[0].prefix(3) == [1, 0.5, 0])
        for wrong in ["1,2,3", "17" + line.dropFirst(2), line + "0", line + ",1", "x" + line.dropFirst(2)] {
            let problem = ExampleError.data(
                path: file.path, problem: "line 2 is not 64 numbers from 0 to 16 and a class from 0 to 9")
            #expect(throws: problem) { try read([line, wrong] + Array(repeating: line, count: 10)) }
        }
        #expect(throws: ExampleError.self) { try read([line]) }
        #expect(throws: ExampleError.self) { try Digits(contentsOf: file.path + ".not") }
    }

    @Test func masksAreLearned() throws {
        let batch = try Phantoms(count: 4, seed: 1).batch(Array(0..<4), epoch: 0)
        let masks = batch["masks"]?.floats ?? [], share = masks.reduce(0, +) / Float(masks.count)
        #expect(masks.allSatisfy { $0 == 0 || $0 == 1 } && 0.002..<0.2 ~= share)
        #expect(try lossFalls(UNet.step(batch: 4), batch, runs: 20))
    }

    /// The widths of the paper, without its highest level: names and shapes at each level.
    @Test func levelsOfTheUNet() throws {
        let step = InferenceStep { Output("logits", UNet(inputs: 3, outputs: 2)(Input("images", [1, 3, 64, 96]))) }
        let summary = try step.summary(depth: 2)
        let results = Dictionary(uniqueKeysWithValues: summary.rows.map { ($0.path, $0.result.shape) })
        #expect(results["down.0"] == [1, 64, 64, 96] && results["down.3"] == [1, 512, 8, 12])
        #expect(results["up.0"] == [1, 64, 64, 96] && results["up.2"] == [1, 256, 16, 24])
        #expect(results["head"] == [1, 2, 64, 96] && results["down.4"] == nil)
        #expect(throws: GraphErrors.self) {
            try InferenceStep { Output("y", UNet()(Input("x", [1, 1, 60, 64]))) }.trace()
        }
    }

    @Test func codesAreLearned() throws {
        let (training, _) = try Digits(spots: 100, seed: 1).split()
        let batch = try training.batch(Array(0..<32), epoch: 0).filter { $0.key == "images" }
        #expect(try lossFalls(VariationalAutoencoder.step(batch: 32), batch, runs: 40))
        var options = ExampleOptions()
        options.threads = 2
        let state = try Compiler(threads: 2).compile(VariationalAutoencoder.step(batch: 4)).makeState(seed: 1)
        let picture = try VariationalAutoencoder.picture(images: 3, state, options)
        #expect(picture.split(separator: "\n").map(\.count) == Array(repeating: 3 * 8 + 2 * 2, count: 8))
    }

    @Test func seriesIsLearned() throws {
        let series = SeriesForecaster.generatedSeries(count: 200, seed: 1)
        let data = try SeriesForecaster.windows(series[...])
        #expect(data.count == 152)
        // What comes next is the same series one place later.
        let batch = try data.batch([7], epoch: 0), values = batch["values"]?.floats ?? [],
            next = batch["next"]?.floats ?? []
        #expect(values.dropFirst() == next.dropLast() && next.last == Float(series[55]))
        #expect(
            try lossFalls(
                SeriesForecaster.step(batch: 32), data.batch((0..<32).map { $0 * 4 }, epoch: 0), runs: 30))
    }

    @Test func resultsAreCompared() {
        func result(_ reached: Double, _ stated: ExampleResult.Goal) -> ExampleResult {
            ExampleResult(name: "x", measure: "m", reached: reached, stated: stated)
        }
        #expect(result(0.9, .atLeast(0.9)).isReached && !result(0.89, .atLeast(0.9)).isReached)
        #expect(result(0.1, .atMost(0.1)).isReached && !result(0.11, .atMost(0.1)).isReached)
        #expect(!result(.nan, .atLeast(0)).isReached && !result(.nan, .atMost(0)).isReached)
        #expect(result(0.5, .atMost(0.25)).description == "x: reached 0.5000, stated 0.2500 at most (m)")
    }
}
