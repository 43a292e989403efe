import ApusCodegen
import ApusIR
import ApusRuntime
import Foundation

/// The ranks that train together, as one of them sees them: what they have to be of one mind about. Without other ranks
/// there is nothing to agree on.
///
/// All methods are called by all ranks, in the same order.
struct TrainingRanks {
    private let communicator: (any Communicator)?

    /// Those of a communicator; nil, or one with a single rank, is training alone.
    init(_ communicator: (any Communicator)?) {
        self.communicator = communicator.flatMap { $0.count > 1 ? $0 : nil }
    }

    var rank: Int { communicator?.rank ?? 0 }
    var count: Int { communicator?.count ?? 1 }
    /// Whether this is the rank that writes and speaks.
    var isFirst: Bool { rank == 0 }

    /// Does what may fail on one rank alone, such as reading data; where it does, all ranks throw: that one its error, the
    /// others ``RunError/otherRank(_:failedIn:)``.
    func agreed<Result>(_ what: String, _ body: () throws -> Result) throws -> Result {
        guard let communicator else { return try body() }
        let outcome = Swift.Result { try body() }
        var hasFailed = false
        if case .failure = outcome { hasFailed = true }
        let failures: [[Int32]]
        do {
            failures = try communicator.gathered([hasFailed ? 1 : 0])
        } catch {
            _ = try outcome.get()
            throw error
        }
        let result = try outcome.get()
        if let other = failures.firstIndex(of: [1]) { throw RunError.otherRank(other, failedIn: what) }
        return result
    }

    /// Whether it is so on some rank.
    func any(_ isSo: Bool) throws -> Bool { try communicator?.any(isSo) ?? isSo }

    /// Throws ``RunError/ranksDiffer(what:rank:value:first:)`` unless all ranks say the same of each of some matters, which
    /// they name in the same order.
    func compare(_ matters: [(name: String, value: String)]) throws {
        guard let communicator else { return }
        for matter in matters {
            let values = try communicator.gathered(matter.value)
            guard let other = values.firstIndex(where: { $0 != values[0] }) else { continue }
            throw RunError.ranksDiffer(what: matter.name, rank: other, value: values[other], first: values[0])
        }
    }

    /// Throws unless all ranks have these settings, data and build. What runs may have of their own is left out: threads, and
    /// where files are.
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

    /// Throws ``RunError/ranksDrifted(weight:rank:step:)`` unless all ranks have the same bits in all that a state holds but
    /// the keys of random draws.
    func compareWeights(_ state: ProgramState, step: Int) throws {
        guard let communicator else { return }
        let names = state.names.filter { $0 != Parameter.randomKeyName && !$0.hasPrefix("accumulated.") }
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
