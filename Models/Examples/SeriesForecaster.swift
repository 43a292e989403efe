import Apus
import Foundation

/// A recurrent network that tells the next value of a series from those up to each place.
///
/// *Shapes*: [batch, steps, 1] -> the same.
public struct SeriesForecaster: Layer {
    public var hidden = 32

    public init() {}

    public var body: some Layer {
        GRU(1, hidden).named("gru")
        Linear(hidden, 1).named("head")
    }
}

extension SeriesForecaster {
    /// The root of the mean squared error of the next value, in a part of the series after that which the model was
    /// trained on; nobody can tell the noise, whose deviation is 0.1.
    public static let stated = ExampleResult.Goal.atMost(0.14)
    /// Values that the model sees.
    public static let window = 48

    /// A step of training on `batch` windows.
    public static func step(batch: Int) -> TrainingStep {
        TrainingStep("gru", optimizer: .adam(learningRate: 5e-3)) {
            let values = Input("values", [batch, window, 1]), next = Input("next", [batch, window, 1])
            Loss(meanSquaredError(SeriesForecaster()(values), next))
        }
    }

    /// Trains on the first four fifths of a generated series, and measures on the rest.
    public static func train(_ options: ExampleOptions) throws -> ExampleResult {
        let series = generatedSeries(count: 3000, seed: options.seed)
        let epochs = options.epochs ?? 20
        let state = try options.trained { folder in
            try fit(
                step(batch: 32), windows(series[..<2400]), in: folder, settings: options.settings(epochs: epochs),
                schedule: .cosine(base: 5e-3, epochs: Double(epochs)), output: options.output)
        }

        let test = try windows(series[2400...])
        let forecast = InferenceStep("gru") {
            Output("forecast", SeriesForecaster()(Input("values", [64, window, 1])))
        }
        let predicted = try options.compiler().compile(forecast).predict(state, test.tensors)
        return ExampleResult(
            name: "gru", measure: "root mean squared error",
            reached: errorOfLast(predicted["forecast"], test.tensors["next"]), stated: stated)
    }

    /// All windows of a series: `values` and, one place later, `next`, both f32 [n, window, 1].
    public static func windows(_ series: ArraySlice<Double>) throws -> ArrayData {
        let starts = series.startIndex..<max(series.endIndex - window, series.startIndex)
        let shape = [starts.count, window, 1]
        return try ArrayData([
            "values": TensorData(starts.flatMap { series[$0..<$0 + window] }, shape: shape),
            "next": TensorData(starts.flatMap { series[$0 + 1...$0 + window] }, shape: shape),
        ])
    }

    /// Three sines whose periods have no common multiple within the series, and noise of the deviation 0.1.
    public static func generatedSeries(count: Int, seed: Int) -> [Double] {
        var random = CounterRandom(seed: UInt64(bitPattern: Int64(seed)), purpose: .exampleData)
        let phases = (0..<3).map { _ in random.uniform(in: 0...(2 * .pi)) }
        let waves = zip([(0.8, 9.7), (0.5, 23.3), (0.3, 61.1)], phases)
        return (0..<count).map { time in
            waves.reduce(0.1 * random.normal()) { value, wave in
                let ((height, period), phase) = wave
                return value + height * Foundation.sin(2 * .pi * Double(time) / period + phase)
            }
        }
    }

    /// The error at the last place of each window, which has seen all of it.
    private static func errorOfLast(_ forecast: TensorData?, _ next: TensorData?) -> Double {
        let forecast = forecast?.floats ?? [], next = next?.floats ?? []
        let squares = stride(from: window - 1, to: next.count, by: window).map { place in
            Double((forecast[place] - next[place]) * (forecast[place] - next[place]))
        }
        return (squares.reduce(0, +) / Double(max(squares.count, 1))).squareRoot()
    }
}
