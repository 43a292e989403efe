import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTransforms

/// What came out of a compilation: the program, and how it was come by.
public struct Compilation: Sendable {
    /// The program as plain data.
    public var program: Program
    /// The program with its kernels' code in this process.
    public var loaded: LoadedProgram
    /// The code of the kernels.
    public var code: CodeImage
    /// The machine that the code is for.
    public var target: TargetDescription
    /// The graph that was compiled, as the back end was given it.
    public var source: Graph
    /// What was rewritten before, in order; ``Backend/report(_:)`` has what the back end's passes do.
    public var rewrites: [Rewrite] = []
    /// Whether nothing had to be generated: the cache had the program, or the code of all its kernels.
    public var isCached: Bool
    /// Seconds by stage, in order.
    public var timings: [(stage: String, seconds: Double)]

    /// Seconds of all stages together.
    public var seconds: Double { timings.reduce(0) { $0 + $1.seconds } }

    /// The program with its code, to be written to a file.
    public var file: ProgramFile { ProgramFile(program: program, target: CodeTarget(target), code: code) }

    /// What a back end has made of a graph.
    public init(
        program: Program, loaded: LoadedProgram, code: CodeImage, target: TargetDescription, source: Graph,
        isCached: Bool, timings: [(stage: String, seconds: Double)] = []
    ) {
        self.program = program
        self.loaded = loaded
        self.code = code
        self.target = target
        self.source = source
        self.isCached = isCached
        self.timings = timings
    }
}

/// What a compilation decides, as people may want to see it.
public struct CompilationReport: Sendable {
    /// What the back end's passes rewrote, in order.
    public var rewrites: [Rewrite]
    /// Where the program's arena goes.
    public var memory: MemoryReport

    /// A report on rewrites and memory.
    public init(rewrites: [Rewrite], memory: MemoryReport) { (self.rewrites, self.memory) = (rewrites, memory) }
}
