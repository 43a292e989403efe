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

    /// Seconds that a sum of so many bytes takes in a ring: each rank sends 2 (R − 1) messages of an R-th of the bytes
    /// (Patarasuk and Yuan 2009).
    package func seconds(ofSum bytes: Int, ranks: Int) -> Double {
        Double(2 * (ranks - 1)) * (Double(bytes) / Double(ranks) / bytesPerSecond + latency)
    }

    /// Seconds of a step on so many ranks, and those of them in which it waits for sums. Sums go through the network
    /// one after the other, in the order in which they begin, while the rank goes on.
    package func time(of step: RankedStep, ranks: Int) -> (seconds: Double, waiting: Double) {
        var now = 0.0, waiting = 0.0, isFree = 0.0, ends: [Int: Double] = [:]
        for event in step.events {
            switch event {
            case .computes(let seconds): now += seconds
            case .begins(let sum, let bytes):
                isFree = max(isFree, now) + seconds(ofSum: bytes, ranks: ranks)
                ends[sum] = isFree
            case .finishes(let sum):
                let wait = max(0, ends[sum, default: 0] - now)
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
        case begins(sum: Int, bytes: Int)
        case finishes(sum: Int)
    }
    package private(set) var events: [Event] = []

    package init(_ events: [Event] = []) { self.events = events }

    /// Adds what one more run took.
    package mutating func add(_ runs: [StepRun]) {
        let measured = runs.map { run -> Event in
            switch run.step.work {
            case .beginSum(let sum): .begins(sum: sum.number, bytes: sum.type.byteCount)
            case .finishSum(let sum): .finishes(sum: sum.number)
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

    /// Bytes of the sums, and after how many seconds of computing each begins and is needed, in the order in which they
    /// begin.
    package var sums: [(bytes: Int, begins: Double, isNeeded: Double)] {
        var now = 0.0, sums: [(bytes: Int, begins: Double, isNeeded: Double)] = [], places: [Int: Int] = [:]
        for event in events {
            switch event {
            case .computes(let seconds): now += seconds
            case .begins(let sum, let bytes):
                places[sum] = sums.count
                sums.append((bytes, now, now))
            case .finishes(let sum): if let place = places[sum] { sums[place].isNeeded = now }
            }
        }
        return sums
    }
}

/// One of several ranks without the others: its sums are what it has itself. A step takes as long as on a network that
/// costs nothing.
public final class RankWithoutOthers: Communicator {
    public let rank = 0, localCount = 1
    public let count: Int

    /// The first of so many ranks.
    public init(of count: Int) { self.count = count }

    public func beginSum(_ elements: UnsafeMutableRawBufferPointer, of element: ElementType) {}
    public func finishSum() {}
}
