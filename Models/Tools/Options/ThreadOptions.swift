import Apus
import ArgumentParser

/// How many threads there are, and where; the same for all commands.
package struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads to run on. (default: APUS_NUM_THREADS, OMP_NUM_THREADS, or one per core that may be used)")
    package var threads: Int?

    @Flag(name: .customLong("pin"), help: "Keep each thread on a processor of its own.")
    package var pinned = false

    package init() {}

    package func validate() throws { try Self.check(threads) }

    /// Throws for a number of threads that there cannot be.
    package static func check(_ threads: Int?) throws {
        if let threads, !(1...ThreadChoice.most).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be from 1 to \(ThreadChoice.most).")
        }
    }
}
