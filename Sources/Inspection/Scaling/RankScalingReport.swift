import Apus
import Foundation

/// How fast a step of training is on more and more machines, each with a batch of its own, as predicted for some
/// networks: the step is timed here as one rank computes it, and a simulation of its schedule says when gradients begin
/// to travel, how long they do, and who waits for them.
public struct RankScalingReport {
    private let title: String, machines: [Int], networks: [NetworkModel]
    private var alone = RankedStep(), ranked = RankedStep()

    /// Runs a step so many rounds, in turn as one process and as one of several ranks (``RankWithoutOthers``).
    public init(
        alone: StepTrial, ranked: StepTrial, rounds: Int, machines: [Int], networks: [NetworkModel], title: String
    ) throws {
        (self.title, self.machines, self.networks) = (title, machines, networks)
        for trial in [alone, ranked] { try trial.run() }
        for _ in 0..<rounds {
            var runs: [StepRun] = []
            try alone.run { runs.append($0) }
            self.alone.add(runs)
            runs = []
            try ranked.run { runs.append($0) }
            self.ranked.add(runs)
        }
    }

    public var text: String {
        let collectives = ranked.collectives, bytes = collectives.reduce(0) { $0 + $1.bytes }
        return """
            \(title)
            one process alone takes \(number(alone.seconds)) s; a rank computes \(number(ranked.seconds)) s, and \
            \(collectives.count) collectives of \(megabytes(bytes)) MB travel

            \(table)

            when they begin, and what is left to be computed until they are needed
            \(schedule)
            """
    }

    /// The time of a step, its efficiency (that of one process, by it) and the share of it that waits, for each
    /// network.
    private var table: String {
        let titles = networks.flatMap { network in
            [String(format: "%g Gbit/s: s", network.bytesPerSecond * 8e-9), "efficiency", "waits"]
        }
        let lines = machines.map { count in
            ["\(count)"]
                + networks.flatMap { network in
                    let (seconds, waiting) = network.time(of: ranked, ranks: count)
                    return [number(seconds), percent(alone.seconds / seconds), percent(waiting / seconds)]
                }
        }
        return TextColumns([["machines"] + titles] + lines).text
    }

    private var schedule: String {
        let lines = ranked.collectives.map {
            [megabytes($0.bytes), number($0.begins), number($0.isNeeded - $0.begins)]
        }
        return TextColumns([["MB", "begins after s", "until needed s"]] + lines).text
    }

    private func number(_ seconds: Double) -> String { String(format: "%.4f", seconds) }
    private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
    private func megabytes(_ bytes: Int) -> String { String(format: "%.3f", Double(bytes) * 1e-6) }
}
