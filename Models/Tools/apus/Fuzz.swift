import Apus
import ApusFuzzing
import ApusInspection
import ArgumentParser
import Foundation
import Synchronization
import ToolOptions

struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare what the compiler makes of random graphs with the interpreter's results.",
        discussion: """
            Each seed gives a graph, numbers for it, and a way to compile it. A graph whose results differ is reduced \
            to a few operations and printed as text, with the command that compares it again. With a file, its graph \
            takes the place of the seed's.
            """)

    @Argument(help: "A file with one graph in its text form, to be compared in place of random ones.")
    var file: String?

    @Option(help: "The first seed.")
    var seed: UInt64 = 0

    @Option(help: "How many seeds are tried.")
    var count: UInt64 = 1000

    @Option(help: "Numbers to compute with. (default: drawn)")
    var precision: Compiler.Precision?

    @Option(help: "Who computes matrix products. (default: drawn)")
    var products: CompilerOptions.Products?

    @Flag(inversion: .prefixedNo, help: "Whether graphs are differentiated. (default: drawn)")
    var gradients: Bool?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether the compiler decides by sizes so small that small graphs meet every limit. (default: drawn)")
    var tiny: Bool?

    @Option(help: "Failures after which no more seeds are tried.")
    var failures = 10

    func validate() throws {
        guard count >= 1, seed.addingReportingOverflow(count).overflow == false else {
            throw ValidationError("--count is \(count); it must be from 1 up, and --seed and it together a seed too.")
        }
        guard failures >= 1 else { throw ValidationError("--failures is \(failures); it must be at least 1.") }
    }

    private var choices: FuzzCase.Choices {
        FuzzCase.Choices(precision: precision, products: products, gradients: gradients, isTiny: tiny)
    }

    func run() throws {
        let isClean = try file.map(compareFile) ?? compareSeeds()
        guard isClean else { throw ExitCode.failure }
    }

    private func compareFile(_ file: String) throws -> Bool {
        let graph = try GraphFile(contentsOf: file).graph
        let comparison = try FuzzCase(seed: seed, choices).comparison
        let verdict = comparison.verdict(on: graph)
        print("\(file) (\(comparison)): \(verdict)")
        if case .different = verdict { return false }
        return true
    }

    /// What has become of the seeds so far.
    private struct Tally {
        var next: UInt64
        var verdicts = 0, sensitive = 0, failed = 0
    }

    private func compareSeeds() throws -> Bool {
        let choices = choices, clock = ContinuousClock(), start = clock.now
        let tally = Mutex(Tally(next: seed)), workers = Processors.available
        SeedsInFlight.watch(workers: workers)
        @Sendable func rate(_ count: Int) -> String {
            let seconds = start.duration(to: clock.now) / .seconds(1)
            return "\(count) graphs in \(String(format: "%.0f s (%.1f/s)", seconds, Double(count) / seconds))"
        }
        concurrently(workers) { worker in
            while let seed = tally.withLock({ tally -> UInt64? in
                guard tally.next < self.seed + count, tally.failed < failures else { return nil }
                defer { tally.next += 1 }
                return tally.next
            }) {
                SeedsInFlight.set(seed, worker: worker)
                let verdict = report(seed, choices)
                let done = tally.withLock { tally in
                    tally.verdicts += 1
                    if verdict == .sensitive { tally.sensitive += 1 }
                    if case .different = verdict { tally.failed += 1 }
                    return tally
                }
                if done.verdicts % 500 == 0 {
                    FileHandle.standardError.write(Data("\(rate(done.verdicts)), \(done.failed) failed\n".utf8))
                }
            }
        }
        let end = tally.withLock { $0 }
        print("\(rate(end.verdicts)): \(end.failed) failed, \(end.sensitive) too sensitive to rounding to say")
        return end.failed == 0
    }

    /// Compares the graph of a seed, and prints what is wrong with it.
    private func report(_ seed: UInt64, _ choices: FuzzCase.Choices) -> Comparison.Verdict {
        do {
            let fuzzCase = try FuzzCase(seed: seed, choices), verdict = fuzzCase.verdict()
            if case .different(let failure) = verdict {
                let head = "seed \(seed) (\(fuzzCase.comparison)): \(failure)\nagain: apus fuzz --count 1"
                print("\(head) \(fuzzCase.arguments)\n\((try? fuzzCase.reduced(failure)) ?? "")")
            }
            return verdict
        } catch {
            print("seed \(seed): \(error)")
            return .different(.error("\(error)"))
        }
    }
}

/// The seeds that are being compared, for the last words of a process that a kernel or the compiler has brought down.
private enum SeedsInFlight {
    nonisolated(unsafe) private static var seeds = UnsafeMutableBufferPointer<UInt64>(start: nil, count: 0)

    static func watch(workers: Int) {
        seeds = .allocate(capacity: workers)
        seeds.initialize(repeating: 0)
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            signal(number) { number in
                // Nothing here may allocate.
                SeedsInFlight.say("crashed; one of the seeds")
                for seed in SeedsInFlight.seeds { SeedsInFlight.say(seed) }
                SeedsInFlight.say(" did it\n")
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    static func set(_ seed: UInt64, worker: Int) { seeds[worker] = seed }

    private static func say(_ text: StaticString) { write(2, text.utf8Start, text.utf8CodeUnitCount) }

    private static func say(_ number: UInt64) {
        say(" ")
        var power: UInt64 = 1
        while number / power >= 10 { power *= 10 }
        while power > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / power % 10)
            write(2, &digit, 1)
            power /= 10
        }
    }
}
