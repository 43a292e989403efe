import ApusDigest
import ApusIR
import ApusRuntime
import CMPI
import Foundation

/// The processes that mpirun or srun has started, as ranks that work together by MPI's non-blocking collectives.
///
/// It takes the package trait `MPI`; without it, ``world()`` throws ``MPIError/notBuilt(processes:)``. One thread at a
/// time may use it, as a run of a program does.
public final class MPICommunicator: Communicator, @unchecked Sendable {  // one thread at a time
    public let rank: Int
    public let count: Int
    public let localCount: Int
    /// What is under way, in the order in which it began.
    private var requests: [UnsafeMutableRawPointer?] = []

    private init(rank: Int, count: Int, localCount: Int) {
        (self.rank, self.count, self.localCount) = (rank, count, localCount)
    }

    /// How many processes a launcher has started together with this one, by what it says in the environment; nil if
    /// none has.
    public static var launchedProcesses: Int? {
        let environment = ProcessInfo.processInfo.environment
        let names = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] + (environment["PMIX_RANK"] == nil ? [] : ["SLURM_NTASKS"])
        return names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
    }

    #if MPI
        /// All processes that were started together; a process joins them once. Throws ``MPIError``.
        public static func world() throws(MPIError) -> MPICommunicator {
            var rank: Int32 = 0, count: Int32 = 1, local: Int32 = 1
            let code = apus_mpi_join(&rank, &count, &local)
            guard code == 0 else { throw .refused(text(of: code)) }
            return MPICommunicator(rank: Int(rank), count: Int(count), localCount: Int(local))
        }

        public func begin(
            _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
        ) throws(RuntimeError) {
            let kinds: [Collective.Kind: Int] = [
                .allReduce: APUS_MPI_ALL_REDUCE, .reduceScatter: APUS_MPI_REDUCE_SCATTER,
                .allGather: APUS_MPI_ALL_GATHER,
            ].mapValues { Int($0) }
            let types: [ElementType: Int] = [
                .f32: APUS_MPI_F32, .f64: APUS_MPI_F64, .i32: APUS_MPI_I32, .bf16: APUS_MPI_BF16,
            ].mapValues { Int($0) }
            guard let type = types[element], let count = Int32(exactly: elements.count / element.byteCount) else {
                throw RuntimeError(
                    .communication,
                    "rank \(rank) cannot send \(elements.count) bytes of \(element.rawValue) in one message")
            }
            var request: UnsafeMutableRawPointer?
            let code = apus_mpi_begin(Int32(kinds[kind] ?? 0), elements.baseAddress, count, Int32(type), &request)
            try check(code, "begin an \(kind.rawValue)")
            requests.append(request)
        }

        public func finish() throws(RuntimeError) {
            guard !requests.isEmpty else {
                throw RuntimeError(.communication, "rank \(rank) finishes what it has not begun")
            }
            try wait(for: requests.removeFirst(), "finish what ranks do together")
        }

        public func exchange(
            _ elements: UnsafeRawBufferPointer, with other: Int, into target: UnsafeMutableRawBufferPointer
        ) throws(RuntimeError) {
            guard let count = Int32(exactly: elements.count) else {
                throw RuntimeError(
                    .communication, "rank \(rank) cannot exchange \(elements.count) bytes in one message")
            }
            var sent: UnsafeMutableRawPointer?, taken: UnsafeMutableRawPointer?
            let code = apus_mpi_begin_exchange(
                elements.baseAddress, target.baseAddress, count, Int32(other), &sent, &taken)
            try check(code, "exchange with rank \(other)")
            for request in [taken, sent] { try wait(for: request, "exchange with rank \(other)") }
        }

        private func wait(for request: UnsafeMutableRawPointer?, _ what: String) throws(RuntimeError) {
            var failed: Int32 = -1
            try check(apus_mpi_wait(request, &failed), what)
            if failed >= 0 { throw RuntimeError(.otherRank, "rank \(failed) has failed, and says why") }
        }

        public func progress() throws(RuntimeError) {
            guard let request = requests.first else { return }
            var isDone: Int32 = 0
            try check(apus_mpi_progress(request, &isDone), "go on with what ranks do together")
        }

        /// Tells the other ranks that this one has failed, so that none waits for it, and returns whether it has to say
        /// why: what the first rank says as well is said by that one alone, which is waited for for some seconds.
        public static func mustSay(_ error: String, as rank: Int) -> Bool {
            var text = error
            let what = text.withUTF8 { Checksum(UnsafeRawBufferPointer($0)).value }
            apus_mpi_give_notice(what)
            return rank == 0 || apus_mpi_is_said_by_first(what, 2) == 0
        }

        /// Leaves the other ranks at the end of the program: waits until all of them do, for so many seconds at most,
        /// and ends those that do not with a status, this process included.
        public static func leave(within seconds: Double, otherwise status: Int32) {
            if apus_mpi_leave(seconds) == 0 { apus_mpi_abort(status) }
        }

        private func check(_ code: Int32, _ what: String) throws(RuntimeError) {
            guard code != 0 else { return }
            throw RuntimeError(.communication, "rank \(rank) of \(count) cannot \(what): \(Self.text(of: code))")
        }

        private static func text(of code: Int32) -> String {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(APUS_MPI_TEXT_BYTES)) { text in
                apus_mpi_text(code, text.baseAddress)
                return text.baseAddress.map { String(cString: $0) } ?? ""
            }
        }
    #else
        /// Throws ``MPIError/notBuilt(processes:)``: this build has no MPI.
        public static func world() throws(MPIError) -> MPICommunicator { throw .notBuilt(processes: launchedProcesses) }

        public func begin(
            _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
        ) {}
        public func finish() {}

        /// A process alone says what has gone wrong.
        public static func mustSay(_ error: String, as rank: Int) -> Bool { true }

        /// Nothing to be left.
        public static func leave(within seconds: Double, otherwise status: Int32) {}
    #endif
}
