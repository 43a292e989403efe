import ApusIR
import ApusRuntime
import ApusTransforms

/// What makes programs of graphs and runs them: the seam between everything that is true of any machine and one kind of
/// machine.
///
/// ``GraphCompiler`` is the one for processors. Declaring, tracing, differentiating, fusing and training know nothing
/// of what is behind it.
public protocol Backend: Sendable {
    /// The sizes and limits by which it decides.
    var tuning: Tuning { get }
    /// What its programs' last bits depend on, beside their graphs.
    var build: BuildDescription { get }
    /// Legality: what happens to a graph until there is code for each of its nodes, ending in a check that there is.
    var pipeline: Pipeline { get }
    /// Emission: the program of a graph as the pipeline leaves it.
    func emit(_ graph: Graph, recording timings: inout [(stage: String, seconds: Double)]) throws -> Compilation
    /// Compiles a graph. Throws `GraphErrors` for what the back end does not offer, `MemoryLimitError` for a limit that
    /// cannot be met.
    func compile(_ graph: Graph) throws -> Compilation
    /// What a compilation of a graph decides, for people: worked out when they ask.
    func report(_ graph: Graph) throws -> CompilationReport
    /// Memory and launch: a program with memory of its own, which runs on the threads of a pool, and adds up over the
    /// ranks of a communicator.
    func executable(
        _ compilation: Compilation, pool: WorkerPool, communicator: (any Communicator)?
    ) throws -> any Executable
}

/// A program that can be run again and again, one run at a time.
public protocol Executable: AnyObject {
    /// The program as plain data.
    var program: Program { get }
    /// Runs the program once: parameters are updated in place, outputs are returned by name. `observe` is told of each
    /// step when it is done.
    func run(
        _ state: ProgramState, _ inputs: [String: TensorData], observe: ((StepRun) -> Void)?
    ) throws(RuntimeError) -> [String: TensorData]
}

extension ProgramRunner: Executable {}

extension Backend {
    public func compile(_ graph: Graph) throws -> Compilation { try compiledAnew(graph) }

    /// Compiles a graph by pipeline and emission.
    package func compiledAnew(_ graph: Graph) throws -> Compilation {
        var timings: [(stage: String, seconds: Double)] = []
        let lowered = try timed("optimize", &timings) { try pipeline.run(graph) }
        var compilation = try emit(lowered, recording: &timings)
        (compilation.source, compilation.timings) = (graph, timings)
        return compilation
    }

    /// The graph that is scheduled.
    public func lowered(_ graph: Graph) throws -> Graph { try pipeline.run(graph) }
}
