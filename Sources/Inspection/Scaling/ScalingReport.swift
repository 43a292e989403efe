import Apus
import Foundation

/// How fast a step is on more and more threads: as measured where this machine has so many processors, and as predicted
/// from the times of its pieces of work by a simulation of the schedule.
///
/// For each number of threads the step is compiled as it would be for a machine with so many, since the division of
/// work follows it; its pieces are timed here, all programs in turn.
public struct ScalingReport {
    private struct Row {
        let threads: Int
        var program = MeasuredProgram()
    }
    private let model: ThreadModel
    private var rows: [Row]
    /// The title and the machine.
    private let title: String

    /// Runs a step, compiled for each of some numbers of threads, so many rounds; the first number is what the others
    /// are compared with.
    public init(_ trials: [StepTrial], rounds: Int, model: ThreadModel, title: String) throws {
        (self.model, self.title) = (model, title)
        rows = trials.map { Row(threads: $0.compiler.pool.threads) }
        for trial in trials { try trial.run() }
        for _ in 0..<rounds {
            for (number, trial) in trials.enumerated() {
                var runs: [StepRun] = []
                try trial.run { runs.append($0) }
                rows[number].program.add(runs, wholeRun: try trial.run())
            }
        }
    }

    /// Seconds on the first number of threads, times that number: the work that there is.
    private var work: Double { rows.first.map { seconds($0) * Double($0.threads) } ?? 0 }

    private func isMeasured(_ row: Row) -> Bool { row.threads <= model.processors }

    private func predicted(_ row: Row) -> ThreadModel.Time { model.time(of: row.program, threads: row.threads) }

    private func seconds(_ row: Row) -> Double { isMeasured(row) ? row.program.seconds : predicted(row).seconds }

    /// Work by time and threads: 1 if nothing is lost.
    private func efficiency(_ row: Row, _ seconds: Double) -> Double { work / (seconds * Double(row.threads)) }

    public var text: String {
        """
        \(title)
        predicted for \(String(format: "%.1f", model.bytesPerSecond / 1e9)) GB/s of memory for each thread, and \
        \(String(format: "%.2f", model.handOver * 1e6)) µs to hand a step over, and \(String(format: "%.2f", model.turn * 1e6)) µs more for each

        \(table)

        \(losses)
        """
    }

    private var table: String {
        let titles = [
            "threads", "measured s", "efficiency", "predicted s", "efficiency", "last pieces", "hand-over", "memory",
        ]
        let lines = rows.map { row in
            let time = predicted(row), measured = row.program.seconds
            func share(_ seconds: Double) -> String { percent(seconds / time.seconds) }
            return ["\(row.threads)"]
                + (isMeasured(row) ? [number(measured), percent(efficiency(row, measured))] : ["", ""])
                + [number(time.seconds), percent(efficiency(row, time.seconds))]
                + [share(time.lateness), share(time.handOver), share(time.memory)]
        }
        return TextColumns([titles] + lines).text
    }

    /// Where time is lost on the most threads, by names of steps.
    private var losses: String {
        guard let row = rows.last else { return "" }
        var named: [String: (count: Int, time: ThreadModel.Time)] = [:]
        for step in row.program.steps {
            let time = model.time(of: step, threads: row.threads)
            named[step.name, default: (0, ThreadModel.Time())].count += 1
            named[step.name, default: (0, ThreadModel.Time())].time += time
        }
        let total = predicted(row).seconds
        let lines = named.sorted { ($0.value.time.lost, $1.key) > ($1.value.time.lost, $0.key) }.prefix(12).map {
            name, entry in
            let time = entry.time
            return ["\(entry.count)", percent(time.seconds / total), percent(time.lost / total)]
                + [time.lateness, time.handOver, time.memory].map { percent($0 / total) } + [name]
        }
        let titles = ["steps", "time", "lost", "last pieces", "hand-over", "memory", "name"]
        return "where \(row.threads) threads lose most, of all their time\n" + TextColumns([titles] + lines).text
    }

    private func number(_ seconds: Double) -> String { String(format: "%.4f", seconds) }
    private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
}
