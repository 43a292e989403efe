import ApusIR
import ApusSystem
import Foundation

/// Ranks that are threads of one process, which add up in each other's memory: for tests, and to try out a program of
/// several ranks where there is no MPI.
public enum ThreadRanks {
    /// Calls `body` on so many threads, each of which is a rank, and returns what they return, by rank.
    ///
    /// Where one throws, the others' sums fail, and the first error that is no consequence of another is thrown. So
    /// does a rank that ends while others wait for it: nobody waits for ever.
    public static func run<Result: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (any Communicator) throws -> Result
    ) throws -> [Result] {
        let count = max(1, count), meeting = Meeting(count), results = Results<Result>(count)
        let isStarted = (1..<count).allSatisfy { rank in
            results.group.enter()
            let isStarted = NativeThread.start { results.set(rank, meeting, body) }
            if !isStarted { results.group.leave() }
            return isStarted
        }
        if isStarted {
            results.group.enter()
            results.set(0, meeting, body)
        } else {
            meeting.leave(
                because: RuntimeError(.communication, "the system does not give \(count) threads for as many ranks"))
        }
        results.group.wait()
        if let error = meeting.firstError { throw error }
        return results.all
    }

    /// What the bodies have returned.
    private final class Results<Result: Sendable>: @unchecked Sendable {  // each rank writes its own
        let group = DispatchGroup()
        private let values: UnsafeMutableBufferPointer<Result?>

        init(_ count: Int) {
            values = .allocate(capacity: count)
            values.initialize(repeating: nil)
        }

        deinit {
            values.deinitialize()
            values.deallocate()
        }

        var all: [Result] { values.compactMap(\.self) }

        func set(_ rank: Int, _ meeting: Meeting, _ body: (any Communicator) throws -> Result) {
            defer { group.leave() }
            do {
                values[rank] = try body(Member(rank: rank, of: meeting))
                meeting.leave(rank)
            } catch {
                meeting.leave(because: error)
            }
        }
    }
}

/// One rank among threads.
private final class Member: Communicator, @unchecked Sendable {  // its rank's thread alone uses it
    let rank: Int
    var count: Int { meeting.count }
    var localCount: Int { meeting.count }
    private let meeting: Meeting
    /// Collectives that this rank has begun, and finished.
    private var begun = 0, finished = 0

    init(rank: Int, of meeting: Meeting) { (self.rank, self.meeting) = (rank, meeting) }

    func begin(
        _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
    ) throws(RuntimeError) {
        try meeting.give(Meeting.Gift(kind: kind, rank: rank, elements: elements, element: element), to: begun)
        begun += 1
    }

    func finish() throws(RuntimeError) {
        try meeting.wait(for: finished, as: rank)
        finished += 1
    }
}

/// Where ranks meet: for each collective the memory of those that have begun it; whoever comes last does the work.
private final class Meeting: @unchecked Sendable {  // under a lock
    /// What a rank brings to a collective.
    struct Gift {
        let kind: Collective.Kind, rank: Int, elements: UnsafeMutableRawBufferPointer, element: ElementType

        var description: String { "\(kind.rawValue) of \(elements.count) bytes of \(element.rawValue)" }
    }

    let count: Int
    private let condition = NSCondition()
    private var gifts: [Int: [Gift]] = [:]
    /// How many collectives are done.
    private var done = 0
    private var gone: Set<Int> = []
    private var error: (any Error)?

    init(_ count: Int) { self.count = count }

    var firstError: (any Error)? { condition.withLock { error } }

    func give(_ gift: Gift, to number: Int) throws(RuntimeError) {
        condition.lock()
        defer { condition.unlock() }
        if let error { throw Self.failure(gift.rank, error) }
        if let other = gifts[number]?.first, other.description != gift.description {
            throw RuntimeError(
                .communication,
                "rank \(gift.rank): number \(number) is \(gift.description), and on rank \(other.rank) "
                    + "\(other.description): all ranks run the same program")
        }
        gifts[number, default: []].append(gift)
        guard gifts[number]?.count == count, let all = gifts.removeValue(forKey: number) else { return }
        let ranks = all.sorted { $0.rank < $1.rank }.map(\.elements)
        switch gift.kind {
        case .allReduce: addUp(ranks, of: gift.element)
        case .reduceScatter: addUpParts(ranks, of: gift.element)
        case .allGather: gather(ranks)
        }
        done += 1
        condition.broadcast()
    }

    func wait(for number: Int, as rank: Int) throws(RuntimeError) {
        condition.lock()
        defer { condition.unlock() }
        while done <= number {
            if let error { throw Self.failure(rank, error) }
            if let other = gone.min() {
                throw RuntimeError(
                    .communication,
                    "rank \(rank) waits for number \(number) of what ranks do together, and rank \(other) has ended without "
                        + "it: all ranks run the same program as often")
            }
            condition.wait()
        }
    }

    func leave(_ rank: Int) {
        condition.withLock {
            gone.insert(rank)
            condition.broadcast()
        }
    }

    func leave(because error: any Error) {
        condition.withLock {
            if self.error == nil { self.error = error }
            condition.broadcast()
        }
    }

    private static func failure(_ rank: Int, _ error: any Error) -> RuntimeError {
        RuntimeError(.otherRank, "rank \(rank): another rank has failed: \(error)")
    }
}

/// Adds up the elements of all ranks in the order of the ranks, and gives each of them the sum.
private func addUp(_ ranks: [UnsafeMutableRawBufferPointer], of element: ElementType) {
    for other in ranks.dropFirst() { element.addUp(UnsafeRawBufferPointer(other), to: ranks[0]) }
    for other in ranks.dropFirst() { other.copyMemory(from: UnsafeRawBufferPointer(ranks[0])) }
}

/// Adds up the parts of all ranks in the order of the ranks, and gives each the sum of its own.
private func addUpParts(_ ranks: [UnsafeMutableRawBufferPointer], of element: ElementType) {
    for other in ranks.dropFirst() { element.addUp(UnsafeRawBufferPointer(other), to: ranks[0]) }
    for (rank, elements) in ranks.enumerated() {
        elements.copyMemory(from: UnsafeRawBufferPointer(rebasing: ranks[0].part(rank, of: ranks.count)))
    }
}

/// Gives all ranks the parts of all, each of which has its own at the beginning.
private func gather(_ ranks: [UnsafeMutableRawBufferPointer]) {
    // From the last: the beginning of the first rank's memory is a part itself.
    for (rank, elements) in ranks.enumerated().reversed() {
        let own = UnsafeRawBufferPointer(rebasing: elements.part(0, of: ranks.count))
        UnsafeMutableRawBufferPointer(rebasing: ranks[0].part(rank, of: ranks.count)).copyMemory(from: own)
    }
    for other in ranks.dropFirst() { other.copyMemory(from: UnsafeRawBufferPointer(ranks[0])) }
}

extension UnsafeMutableRawBufferPointer {
    /// One of some parts of as many bytes each.
    func part(_ number: Int, of parts: Int) -> SubSequence {
        self[number * (count / parts)..<(number + 1) * (count / parts)]
    }
}
