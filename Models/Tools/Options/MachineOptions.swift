import Apus
import ArgumentParser

/// How programs are compiled; the same for all commands.
package struct CompilationOptions: ParsableArguments {
    @Option(help: "Numbers to compute with.")
    var precision = Compiler.Precision.float32

    @Option(help: "Who computes matrix products.")
    var products = CompilerOptions.Products.auto

    @Option(
        help: ArgumentHelp("A fusion to leave out, for comparison; may be given more than once.", valueName: "fusion"))
    var without: [Fusion] = []

    @Option(
        help: ArgumentHelp(
            "Memory that parameters and activations may take, such as 1.5GB or 800MB; parts of the forward pass are computed again to stay below it.",
            valueName: "bytes"))
    var memoryLimit: ByteCount?

    @Flag(help: "Compile all code anew, and keep none of it.")
    var noCache = false

    package init() {}

    package var options: CompilerOptions {
        CompilerOptions(
            precision: precision, products: products, fusions: Set(Fusion.allCases).subtracting(without),
            memoryLimit: memoryLimit?.bytes)
    }

    package var cache: ObjectCache? { noCache ? nil : .standard }
}

/// How programs are compiled and run on this machine; the same for all commands.
package struct MachineOptions: ParsableArguments {
    @OptionGroup var compilation: CompilationOptions
    @OptionGroup package var workers: ThreadOptions

    package init() {}

    package var options: CompilerOptions { compilation.options }
    package var cache: ObjectCache? { compilation.cache }

    package func compiler() throws -> Compiler {
        let compiler = try Compiler(options, threads: workers.threads, pinned: workers.pinned, cache: cache)
        for warning in compiler.pool.warnings { TrainingOutput.standard.warn(warning) }
        return compiler
    }
}

extension ByteCount: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension CompilerOptions.Precision: ExpressibleByArgument {}
extension CompilerOptions.Products: ExpressibleByArgument {}
extension Fusion: ExpressibleByArgument {}
