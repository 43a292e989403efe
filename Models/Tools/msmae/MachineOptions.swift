import Apus
import ArgumentParser

/// How programs are compiled and run on this machine; the same for all commands.
struct MachineOptions: ParsableArguments {
    @Option(help: "Numbers to compute with.")
    var precision = Compiler.Precision.float32

    @Option(help: "Threads to run on. (default: all processors)")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); it must be from 1 to 1024.") }
    }

    func compiler() throws -> Compiler { try Compiler(precision: precision, threads: threads) }
}

extension Compiler.Precision: ExpressibleByArgument {}
