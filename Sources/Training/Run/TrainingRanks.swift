import ApusCodegen
import ApusDigest
import ApusIR
import ApusRuntime
import Foundation

/// The ranks that train together, as one of them sees them: what they have to be of one mind about, and what each does
/// a part of. Without other ranks there is nothing to agree on, and one does all.
///
/// All methods are called by all ranks, in the same order. Once ranks know that one of them has failed, the run is
/// over: they agree on nothing any more, and wait for nobody.
public final class TrainingRanks {
    private let communicator: (any Communicator)?
    /// Whether ranks know of a failure.
    private var isOver = false
    /// Whether all ranks know of a failure after which the run can be saved as it stands.
    private(set) var agreesToSave = false
    /// The shares of a batch that were asked for.
    private let givenShares: Int?

    /// Those of a communicator; nil, or one with a single rank, is training alone. With `shares`, a batch has so many
    /// parts, of which each rank computes as many, so that results do not depend on the number of ranks.
    init(_ communicator: (any Communicator)?, shares: Int? = nil) {
        self.communicator = communicator.flatMap { $0.count > 1 ? $0 : nil }
        givenShares = shares
    }

    /// Which of the ranks this is, from 0.
    public var rank: Int { communicator?.rank ?? 0 }
    /// How many train together, each on its part of every batch; 1 trains alone.
    public var count: Int { communicator?.count ?? 1 }
    /// Whether this is the rank that writes and speaks.
    public var isFirst: Bool { rank == 0 }

    /// Parts of a batch that are computed apart: as many as ranks, or as were asked for.
    public var shares: Int { givenShares ?? count }
    /// Those that this rank computes, one after the other.
    public var ownShares: Range<Int> {
        let own = max(1, shares / count)
        return rank * own..<(rank + 1) * own
    }
    /// Whether results are to be the same on any number of ranks.
    var isReproducible: Bool { givenShares != nil }
    /// As which rank layers draw outside of shares.
    var drawingRank: Int { isReproducible ? 0 : rank }

    /// Throws unless ranks can share a batch evenly.
    func checkShares(ofBatch batch: Int) throws(RunError) {
        guard let shares = givenShares else {
            guard batch % count == 0 else { throw .indivisibleBatch(batch, ranks: count) }
            return
        }
        guard shares.nonzeroBitCount == 1 else { throw .shares(shares, "which is no power of two") }
        guard shares % count == 0 else { throw .shares(shares, "which \(count) ranks cannot divide evenly among them") }
        guard batch % shares == 0 else { throw .shares(shares, "and a batch of \(batch) has no as many equal parts") }
    }

    /// Does what may fail on one rank alone, such as reading data; where it does, all ranks throw: that one its error,
    /// the others ``RunError/otherRank(_:failedIn:)``.
    func agreed<Result>(_ what: String, _ body: () throws -> Result) throws -> Result {
        let outcome = Swift.Result { try body() }
        guard let communicator, !isOver else { return try outcome.get() }
        // What another rank than the first has failed in was no file of the run.
        var failure: Int32 = 0
        if case .failure(let error) = outcome { failure = !isFirst || RunError.leavesWeights(error) ? 1 : 2 }
        let failures: [Int32]
        do {
            failures = try communicator.gathered([failure]).map { $0[0] }
        } catch {
            isOver = true
            _ = try outcome.get()
            throw error
        }
        isOver = failures.contains { $0 != 0 }
        agreesToSave = isOver && !failures.contains(2)
        let result = try outcome.get()
        if let other = failures.firstIndex(where: { $0 != 0 }) { throw RunError.otherRank(other, failedIn: what) }
        return result
    }

    /// Whether it is so on some rank.
    func any(_ isSo: Bool) throws -> Bool { try communicator?.any(isSo) ?? isSo }

    /// What the first of those ranks says that have something to say.
    func first(_ text: String?) throws -> String? {
        guard let communicator else { return text }
        return try communicator.gathered(text ?? "").first { !$0.isEmpty }
    }

    /// Has each rank do its part of something, which may be nil where the rank was asked to stop: then it is nil on
    /// all. Where one fails, all throw.
    public func together<Part>(_ what: String, _ part: () throws -> Part?) throws -> Part? {
        let part = try agreed(what, part)
        return try any(part == nil) ? nil : part
    }

    /// Rows of numbers that each rank has some of, such as one for each image that it has looked at: all of them, on
    /// all ranks. `places` says where the rank's own rows, of `width` numbers each, belong among `count`.
    public func gathered<Number: BitwiseCopyable>(
        _ rows: [Number], at places: [Int], of count: Int, width: Int
    ) throws -> [Number] {
        let stride = MemoryLayout<Number>.stride * width, bytes = stride * count
        // Each byte is that of one rank and 0 on the others, so that sums of words are the words.
        var words = [Int32](repeating: 0, count: (bytes + 3) / 4)
        words.withUnsafeMutableBytes { target in
            rows.withUnsafeBytes { source in
                for (row, place) in places.enumerated() {
                    let part = UnsafeRawBufferPointer(rebasing: source[row * stride..<(row + 1) * stride])
                    UnsafeMutableRawBufferPointer(rebasing: target[(place * stride)...]).copyMemory(from: part)
                }
            }
        }
        if let communicator { words = try communicator.sum(words) }
        return words.withUnsafeBytes { source in
            [Number](unsafeUninitializedCapacity: count * width) { target, made in
                UnsafeMutableRawBufferPointer(target).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[..<bytes]))
                made = count * width
            }
        }
    }

    /// Fills a state on the first rank, such as from a file that it alone can see, and gives it to the others, whose
    /// states have the same parameters.
    public func fromFirst(_ what: String, _ state: ProgramState, fill: () throws -> Void) throws {
        try agreed(what) { if isFirst { try fill() } }
        guard let communicator else { return }
        for name in state.names {
            guard let type = state.type(of: name) else { continue }
            var words = [Int32](repeating: 0, count: (type.byteCount + 3) / 4)
            if isFirst {
                try state.withBytes(name) { bytes in words.withUnsafeMutableBytes { $0.copyMemory(from: bytes) } }
            }
            words = try communicator.sum(words)
            try state.write(name, type: type) { target in
                words.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<target.count])) }
            }
        }
    }

    /// Throws ``RunError/ranksDiffer(what:rank:value:first:)`` unless all ranks say the same of each of some matters,
    /// which they name in the same order.
    func compare(_ matters: [(name: String, value: String)]) throws {
        guard let communicator, !isOver else { return }
        for matter in matters {
            let values = try communicator.gathered(matter.value)
            guard let other = values.firstIndex(where: { $0 != values[0] }) else { continue }
            throw RunError.ranksDiffer(what: matter.name, rank: other, value: values[other], first: values[0])
        }
    }

    /// Throws unless all ranks have these settings, data and build. What runs may have of their own is left out:
    /// threads, and where files are.
    func compare<Settings: RunSettings>(_ settings: Settings, _ data: DataIdentity, _ build: BuildDescription) throws {
        let own = ["threads", "pin", "loader-threads"]
        let shared = Settings.all.filter { !$0.isPath && !own.contains($0.name) }
        try compare(
            shared.map { ("the setting '\($0.name)'", $0.read(settings)?.description ?? "not set") } + [
                ("the classes of the data", data.classes.joined(separator: ", ")), ("the data", data.images),
                ("the version of Apus", build.apus), ("LLVM", build.llvm), ("the processor", build.processor),
                ("OpenBLAS", build.openblas ?? "not used"),
            ])
    }

    /// Throws ``RunError/ranksDrifted(weight:rank:step:)`` unless all ranks have the same bits in all that a state
    /// holds but the keys of random draws, and some parameters.
    func compareWeights(_ state: ProgramState, apartFrom others: Set<String>, step: Int) throws {
        guard let communicator else { return }
        let names = state.names.filter {
            $0 != Parameter.randomKeyName && !$0.hasPrefix("accumulated.") && !others.contains($0)
        }
        let own = try state.withBytes(of: names) { contents in
            contents.flatMap { content -> [Int32] in
                let sum = Checksum(content).value
                return [Int32(truncatingIfNeeded: sum), Int32(truncatingIfNeeded: sum >> 32)]
            }
        }
        let all = try communicator.gathered(own)
        for (rank, other) in all.enumerated() where other != all[0] {
            let place = other.indices.first { other[$0] != all[0][$0] } ?? 0
            throw RunError.ranksDrifted(weight: names[place / 2], rank: rank, step: step)
        }
    }
}
