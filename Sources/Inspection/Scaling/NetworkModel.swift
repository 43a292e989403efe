import Apus

/// The network between machines that train together, by which the time of a step on them is predicted from what one of
/// them computes.
public struct NetworkModel: Sendable {
    /// Bytes a second that each machine sends, and takes at the same time.
    public var bytesPerSecond: Double
    /// Seconds until a message without content has arrived.
    public var latency: Double

    /// A model of a network.
    public init(bytesPerSecond: Double, latency: Double) {
        (self.bytesPerSecond, self.latency) = (bytesPerSecond, latency)
    }

    /// Seconds that a collective of so many bytes takes in a ring: for a sum each rank sends 2 (R − 1) messages of an
    /// R-th of the bytes, half of which scatter it and the others gather it (Patarasuk and Yuan 2009).
    package func seconds(of kind: Collective.Kind, bytes: Int, ranks: Int) -> Double {
        let rounds = (kind == .allReduce ? 2 : 1) * (ranks - 1)
        return Double(rounds) * (Double(bytes) / Double(ranks) / bytesPerSecond + latency)
    }

    /// Seconds of a step on so many ranks, and those of them in which it waits for others. Collectives go through the
    /// network one after the other, in the order in which they begin, while the rank goes on.
    package func time(of step: RankedStep, ranks: Int) -> (seconds: Double, waiting: Double) {
        var now = 0.0, waiting = 0.0, isFree = 0.0, ends: [Int: Double] = [:]
        for event in step.events {
            switch event {
            case .computes(let seconds): now += seconds
            case .begins(let kind, let number, let bytes):
                isFree = max(isFree, now) + seconds(of: kind, bytes: bytes, ranks: ranks)
                ends[number] = isFree
            case .finishes(let number):
                let wait = max(0, ends[number, default: 0] - now)
                waiting += wait
                now += wait
            }
        }
        return (now, waiting)
    }
}

/// What a rank does in a step, in order: the times are the least of some runs.
package struct RankedStep: Sendable {
    package enum Event: Hashable, Sendable {
        case computes(seconds: Double)
        case begins(Collective.Kind, number: Int, bytes: Int)
        case finishes(number: Int)
    }
    package private(set) var events: [Event] = []

    package init(_ events: [Event] = []) { self.events = events }

    /// Adds what one more run took.
    package mutating func add(_ runs: [StepRun]) {
        let measured = runs.map { run -> Event in
            switch run.step.work {
            case .begin(let collective):
                .begins(collective.kind, number: collective.number, bytes: collective.type.byteCount)
            case .finish(let collective): .finishes(number: collective.number)
            case .kernel, .matmul, .sort: .computes(seconds: run.seconds)
            }
        }
        guard !events.isEmpty else {
            events = measured
            return
        }
        for (place, event) in measured.enumerated() {
            if case .computes(let seconds) = event, case .computes(let known) = events[place] {
                events[place] = .computes(seconds: min(seconds, known))
            }
        }
    }

    /// Seconds in which it computes.
    package var seconds: Double {
        events.reduce(0) { total, event in if case .computes(let seconds) = event { total + seconds } else { total } }
    }

    /// Bytes of the collectives, and after how many seconds of computing each begins and is needed, in the order in
    /// which they begin.
    package var collectives: [(bytes: Int, begins: Double, isNeeded: Double)] {
        var now = 0.0, collectives: [(bytes: Int, begins: Double, isNeeded: Double)] = [], places: [Int: Int] = [:]
        for event in events {
            switch event {
            case .computes(let seconds): now += seconds
            case .begins(_, let number, let bytes):
                places[number] = collectives.count
                collectives.append((bytes, now, now))
            case .finishes(let number): if let place = places[number] { collectives[place].isNeeded = now }
            }
        }
        return collectives
    }
}

/// One of several ranks without the others: what they would do together has what it has itself. A step takes as long as
/// on a network that costs nothing.
public final class RankWithoutOthers: Communicator {
    public let rank = 0, localCount = 1
    public let count: Int

    /// The first of so many ranks.
    public init(of count: Int) { self.count = count }

    public func begin(
        _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
    ) {}
    public func finish() {}
}
