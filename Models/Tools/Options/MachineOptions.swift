import Apus
import ArgumentParser

/// How programs are compiled and run on this machine; the same for all commands.
package struct MachineOptions: ParsableArguments {
    @Option(help: "Numbers to compute with.")
    var precision = Compiler.Precision.float32

    @Option(help: "Who computes matrix products.")
    var products = CompilerOptions.Products.auto

    @Option(help: ArgumentHelp("A fusion to leave out, for comparison; may be given more than once.", valueName: "fusion"))
    var without: [Fusion] = []

    @Flag(help: "Compile all code anew, and keep none of it.")
    var noCache = false

    @Option(help: "Threads to run on. (default: all processors)")
    package var threads: Int?

    package init() {}

    package func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); it must be from 1 to 1024.") }
    }

    package var options: CompilerOptions {
        CompilerOptions(precision: precision, products: products, fusions: Set(Fusion.allCases).subtracting(without))
    }

    package var cache: ObjectCache? { noCache ? nil : .standard }

    package func compiler() throws -> Compiler { try Compiler(options, threads: threads, cache: cache) }
}

extension CompilerOptions.Precision: ExpressibleByArgument {}
extension CompilerOptions.Products: ExpressibleByArgument {}
extension Fusion: ExpressibleByArgument {}
