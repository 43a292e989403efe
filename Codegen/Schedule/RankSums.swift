import ApusIR
import ApusRuntime

/// Where the sums over ranks of a schedule begin and end: each right before the first step that reads it, the end of
/// the program at the latest, and all of them in one order.
///
/// A schedule follows from graph and tuning alone, so that all ranks begin the same sums in the same order.
struct RankSums {
    private let clustering: Clustering
    private let graph: Graph
    /// Sums that have begun and not ended, in order.
    private var open: [(value: Value, step: Schedule.ScheduledStep)] = []
    private var count = 0

    init(_ graph: Graph, _ clustering: Clustering) { (self.graph, self.clustering) = (graph, clustering) }

    /// The step in which the sum of a value begins.
    mutating func begin(_ value: Value, in storage: Storage, _ path: String) -> Schedule.ScheduledStep {
        let type = graph[value].type
        let location = Location(.arena, byteOffset: storage.offset * type.element.byteCount)
        let sum = RankSum(number: count, location: location, type: type)
        count += 1
        func step(_ name: String, _ work: Schedule.ScheduledStep.Work) -> Schedule.ScheduledStep {
            Schedule.ScheduledStep(name: "\(name) \(AllReduce.name) \(sum.number)", work: work, path: path)
        }
        open.append((value, step("finish", .finishSum(sum, storage.buffer))))
        return step("begin", .beginSum(sum, storage.buffer))
    }

    /// The ends of the sums that a cluster reads and that have not come to one.
    mutating func ends(before cluster: Int) -> [Schedule.ScheduledStep] {
        let readers = clustering.readers
        return ends(upTo: open.lastIndex { readers[$0.value, default: []].contains { $0.cluster == cluster } })
    }

    /// Those of all others.
    mutating func remainingEnds() -> [Schedule.ScheduledStep] { ends(upTo: open.indices.last) }

    /// Of two sums, the one that began first ends first.
    private mutating func ends(upTo last: Int?) -> [Schedule.ScheduledStep] {
        guard let last else { return [] }
        defer { open.removeFirst(last + 1) }
        return open[...last].map(\.step)
    }
}
