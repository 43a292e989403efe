import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTransforms

/// What came out of a compilation besides the program: for printing and for measuring.
public struct Compilation: Sendable {
    /// The program as plain data.
    public var program: Program
    /// The program with its kernels' code in this process.
    public var loaded: LoadedProgram
    /// The code of the kernels.
    public var code: CodeImage
    /// The machine that the code is for.
    public var target: TargetDescription
    /// What the passes rewrote, in order.
    public var rewrites: [Rewrite] = []
    /// The graph of primitives that was scheduled.
    public var optimized: Graph
    /// Where the program's arena goes.
    public var memory: MemoryReport
    /// The kernels as text.
    public var kernels: String
    /// Whether all kernels' code was found in the cache.
    public var isCached: Bool
    /// Seconds by stage, in order.
    public var timings: [(stage: String, seconds: Double)] = []

    /// Seconds of all stages together.
    public var seconds: Double { timings.reduce(0) { $0 + $1.seconds } }

    /// The program with its code, to be written to a file.
    public var file: ProgramFile { ProgramFile(program: program, target: CodeTarget(target), code: code) }

    /// What a back end has made of a graph; rewrites and timings are added by ``Backend/compile(_:)``.
    public init(
        program: Program, loaded: LoadedProgram, code: CodeImage, target: TargetDescription, optimized: Graph,
        memory: MemoryReport, kernels: String, isCached: Bool
    ) {
        self.program = program
        self.loaded = loaded
        self.code = code
        self.target = target
        self.optimized = optimized
        self.memory = memory
        self.kernels = kernels
        self.isCached = isCached
    }
}
