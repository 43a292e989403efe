import ApusIR
import ApusRuntime

/// Where what ranks do together begins and ends in a schedule: each ends right before the first step that reads it, the
/// end of the program at the latest, and all of them in one order.
///
/// A schedule follows from graph and tuning alone, so that all ranks begin the same collectives in the same order.
struct Collectives {
    private let clustering: Clustering
    private let graph: Graph
    /// Those that have begun and not ended, in order.
    private var open: [(value: Value, step: Schedule.ScheduledStep)] = []
    private var count = 0

    init(_ graph: Graph, _ clustering: Clustering) { (self.graph, self.clustering) = (graph, clustering) }

    /// The step in which a collective begins.
    mutating func begin(_ value: Value, in storage: Storage, _ path: String) -> Schedule.ScheduledStep {
        let type = graph.typeOfAllParts(value)
        let location = Location(.arena, byteOffset: storage.offset * type.element.byteCount)
        let collective = Collective(graph.collectiveKind(value), number: count, location: location, type: type)
        count += 1
        func step(_ name: String, _ work: Schedule.ScheduledStep.Work) -> Schedule.ScheduledStep {
            Schedule.ScheduledStep(
                name: "\(name) \(collective.kind.rawValue) \(collective.number)", work: work, path: path)
        }
        open.append((value, step("finish", .finish(collective, storage.buffer))))
        return step("begin", .begin(collective, storage.buffer))
    }

    /// The ends of those that a cluster reads and that have not come to one.
    mutating func ends(before cluster: Int) -> [Schedule.ScheduledStep] {
        let readers = clustering.readers
        return ends(upTo: open.lastIndex { readers[$0.value, default: []].contains { $0.cluster == cluster } })
    }

    /// Those of all others.
    mutating func remainingEnds() -> [Schedule.ScheduledStep] { ends(upTo: open.indices.last) }

    /// Of two, the one that began first ends first.
    private mutating func ends(upTo last: Int?) -> [Schedule.ScheduledStep] {
        guard let last else { return [] }
        defer { open.removeFirst(last + 1) }
        return open[...last].map(\.step)
    }
}

extension Graph {
    /// What ranks do in a node that is a collective.
    fileprivate func collectiveKind(_ value: Value) -> Collective.Kind {
        switch self[value].operation {
        case is ReduceScatter: .reduceScatter
        case is AllGather: .allGather
        default: .allReduce
        }
    }

    /// The type of the larger one of a collective's operand and result, which lie in one place.
    func typeOfAllParts(_ value: Value) -> TensorType {
        self[value].operation is ReduceScatter ? self[self[value].operands[0]].type : self[value].type
    }
}
