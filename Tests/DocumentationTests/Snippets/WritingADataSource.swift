import Apus
import Foundation
import Testing

// Shown in WritingADataSource.md
/// Stretches of a series, each with the number that follows; each is scaled by chance.
struct Windows: DataSource {
    let series: [Float]
    let length = 16

    var count: Int { series.count - length }

    func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        var values: [Float] = [], next: [Float] = []
        for sample in samples {
            var random = CounterRandom(seed: 7, epoch: epoch, index: sample, purpose: .augmentation)
            let scale = Float(random.uniform(in: 0.8...1.2))
            values += series[sample..<sample + length].map { $0 * scale }
            next.append(series[sample + length] * scale)
        }
        return [
            "values": try TensorData(values, shape: [samples.count, length]),
            "next": try TensorData(next, shape: [samples.count, 1]),
        ]
    }
}
// Until here

@Suite struct WritingADataSource {
    @Test func trainsOnIt() throws {
        let keeper = try TemporaryFolder(), folder = keeper.path
        // Shown in WritingADataSource.md
        let series = (0..<400).map { Float(Foundation.sin(Double($0) / 5)) }
        let step = TrainingStep("forecast", optimizer: .adamW(learningRate: 0.01)) {
            Loss(meanSquaredError(Linear(16, 1).named("fc")(Input("values", [32, 16])), Input("next", [32, 1])))
        }
        let result = try fit(
            step, Windows(series: series), in: folder + "/run", settings: FitSettings(epochs: 20), output: .silent)
        // Until here
        #expect(result.isFinished && (result.means["loss"] ?? 1) < 0.01, "\(result.means)")
        withExtendedLifetime(keeper) {}
    }

    @Test func theSameInEachCall() throws {
        let windows = Windows(series: (0..<40).map { Float($0) })
        let once = try windows.batch([3, 5], epoch: 1), again = try windows.batch([5], epoch: 1)
        let other = try windows.batch([5], epoch: 2)
        #expect(once["values"]?.floats.suffix(16) == again["values"]?.floats[...])
        #expect(again["values"]?.floats != other["values"]?.floats)
    }

    @Test func arrays() throws {
        // Shown in WritingADataSource.md
        let data = try ArrayData([
            "points": TensorData([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], shape: [3, 2]), "labels": TensorData([0, 1, 0]),
        ])
        // Until here
        #expect(data.count == 3)
        #expect(try data.batch([2], epoch: 0)["points"]?.floats == [0.5, 0.6])
    }
}
