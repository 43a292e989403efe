import Apus

/// How long the pieces of work in a program's steps take: the least of some runs, since whatever else the machine does
/// only makes them longer, and of pieces of as many tiles the median, since what else it does hits some of them in each
/// run.
public struct MeasuredProgram: Sendable {
    /// A step of the program.
    package struct Step: Sendable {
        var name: String, bytes: Int
        /// Tiles and seconds of each piece, in the order in which threads take them.
        var pieces: [(tiles: Int, seconds: Double)]
        /// Seconds of the step in which no thread worked.
        var rest: Double

        package init(name: String, bytes: Int, pieces: [(tiles: Int, seconds: Double)], rest: Double) {
            (self.name, self.bytes, self.pieces, self.rest) = (name, bytes, pieces, rest)
        }

        /// Seconds of each piece: the median of those that have as many tiles.
        var times: [Double] {
            let medians = Dictionary(grouping: pieces, by: \.tiles).mapValues { alike in
                alike.map(\.seconds).sorted()[alike.count / 2]
            }
            return pieces.map { medians[$0.tiles] ?? $0.seconds }
        }
    }
    private(set) var steps: [Step] = []
    /// Seconds of a run that was not observed, the least; infinite before there was one.
    public private(set) var seconds = Double.infinity

    /// A program of which nothing is known yet.
    public init() {}

    /// Adds what one more run of each step took.
    public mutating func add(_ runs: [StepRun], wholeRun seconds: Double) {
        self.seconds = min(self.seconds, seconds)
        let measured = runs.map(Self.step)
        guard steps.map(\.pieces.count) == measured.map(\.pieces.count) else {
            steps = measured
            return
        }
        for (number, step) in measured.enumerated() {
            steps[number].rest = min(steps[number].rest, step.rest)
            for (place, piece) in step.pieces.enumerated() {
                steps[number].pieces[place].seconds = min(steps[number].pieces[place].seconds, piece.seconds)
            }
        }
    }

    private static func step(_ run: StepRun) -> Step {
        let pieces = run.work.flatMap(\.pieces).sorted { $0.tiles.lowerBound < $1.tiles.lowerBound }
        let begin = run.work.map(\.time.lowerBound).min() ?? run.time.lowerBound
        let end = run.work.map(\.time.upperBound).max() ?? begin
        let rest = max(0, run.seconds - Double(end - begin) * 1e-9)
        return Step(
            name: run.step.name, bytes: run.step.bytes, pieces: pieces.map { ($0.tiles.count, $0.seconds) }, rest: rest)
    }
}
