import ApusCodegen
import ApusIR
import ApusLayers
import ApusRuntime
import ApusSystem
import ApusTransforms

/// Compiles declared steps to native programs.
///
/// ```swift
/// let program = try Compiler().compile(step)
/// let state = try program.makeState(seed: 0)
/// let report = try program.run(state, ["images": images, "labels": labels])
/// print(report.loss)
/// ```
public struct Compiler: Sendable {
    /// The numbers that matmuls and attention compute with.
    public typealias Precision = CompilerOptions.Precision

    /// What was asked for.
    public let options: CompilerOptions
    /// Threads that programs run on.
    public let pool: WorkerPool
    /// The other ranks, over which training steps take the mean of gradients, loss and metrics; nil trains alone.
    public let communicator: (any Communicator)?
    /// The numbers as which gradients travel between ranks.
    public let rankGradients: Precision
    /// Whether each rank keeps a part of the optimizer's state alone.
    public let dividesState: Bool
    /// Whether ranks with divided state hold weights that matmuls of bf16 alone read as bf16, beside their own part in
    /// f32. Who asks for it has states whose weights are read and written by ``StateParts``.
    package var holdsWeightsAsBFloat16 = false
    private let backend: any Backend

    /// A compiler for this machine; without `threads`, programs run on as many as ``ThreadChoice`` says. With
    /// `answers`, who computes which matmul is as answered there, and what is measured is added to them. With a
    /// `communicator`, all of its ranks compile the same steps, and run them as often; gradients travel between them as
    /// `rankGradients`, and with `dividesState` each keeps a part of the optimizer's state alone (ZeRO-1). Throws if
    /// LLVM does not know the machine, or if there cannot be so many threads. With `pinned`, each thread stays on a
    /// processor (``WorkerPool``).
    public init(
        _ options: CompilerOptions = CompilerOptions(), threads: Int? = nil, pinned: Bool = false,
        cache: ObjectCache? = .standard, answers: KeptAnswers? = nil, communicator: (any Communicator)? = nil,
        rankGradients: Precision = .float32, dividesState: Bool = false
    ) throws {
        let pool = WorkerPool(try ThreadChoice(threads), pinned: pinned)
        let backend = try GraphCompiler(options, threads: pool.threads, cache: cache, answers: answers)
        self.init(options, pool, backend, communicator, rankGradients, dividesState)
    }

    /// A compiler with another back end.
    public init(
        _ options: CompilerOptions = CompilerOptions(), threads: Int? = nil, pinned: Bool = false, backend: any Backend,
        communicator: (any Communicator)? = nil, rankGradients: Precision = .float32, dividesState: Bool = false
    ) {
        self.init(
            options, WorkerPool(threads: threads, pinned: pinned), backend, communicator, rankGradients, dividesState)
    }

    private init(
        _ options: CompilerOptions, _ pool: WorkerPool, _ backend: any Backend, _ communicator: (any Communicator)?,
        _ rankGradients: Precision, _ dividesState: Bool
    ) {
        (self.options, self.pool, self.backend) = (options, pool, backend)
        (self.communicator, self.rankGradients, self.dividesState) = (communicator, rankGradients, dividesState)
    }

    /// What the last bits of programs depend on, beside the steps that they are made of.
    public var build: BuildDescription { backend.build }

    /// What was decided when a step was compiled: it is worked out anew.
    public func report(on step: CompiledStep) throws -> CompilationReport {
        var report = try backend.report(step.compilation.source)
        report.rewrites = step.compilation.rewrites + report.rewrites
        return report
    }

    /// Measures the most that the machine does on the threads of this compiler's programs.
    public func measurePeak() throws -> MachinePeak { try MachinePeak(target: .host(), pool: pool) }

    /// Compiles a training step: forward pass, gradients and update in one program. With a communicator of several
    /// ranks, each computes it on a batch of its own, and the weights follow the mean of all gradients.
    public func compile(
        _ step: TrainingStep, _ use: Set<TracedStep.GradientUse> = [.update],
        learningRateScale: (String) -> Double = { _ in 1 }
    ) throws -> CompiledStep {
        try compile(step.trace(ranks: communicator?.count ?? 1), use, learningRateScale: learningRateScale)
    }

    func compile(
        _ traced: TracedStep, _ use: Set<TracedStep.GradientUse>, learningRateScale: (String) -> Double = { _ in 1 }
    ) throws -> CompiledStep {
        var rewrites: [Rewrite] = []
        let fused = try traced.rewritten(by: .fusions(options.fusions), recording: &rewrites)
        let graph = try fused.wholeGraph(
            use, rankGradients: rankGradients.element, dividesState: dividesState,
            narrows: narrows, learningRateScale: learningRateScale)
        return try compile(graph, rewrites, optimizer: traced.optimizer, communicator)
    }

    /// Compiles a training step for shares of a batch: what is computed of each, and for each use of the gradients what
    /// follows their sum, which ranks add up in the order of a tree.
    func compile(
        _ step: TrainingStep, shares: Int, _ uses: [Set<TracedStep.GradientUse>],
        learningRateScale: (String) -> Double
    ) throws -> (share: CompiledStep, sums: [CompiledStep]) {
        let traced = try step.trace(), ranks = TreeSums(communicator)
        var rewrites: [Rewrite] = []
        let fused = try traced.rewritten(by: .fusions(options.fusions), recording: &rewrites)
        let owners = dividesState ? ranks.count : 1
        let shareGraph = try fused.shareGraph(rankGradients: rankGradients.element)
        let narrow =
            narrows ? fused.weightsHeldAsBFloat16(in: shareGraph, stateOwners: owners) : []
        let share = try compile(shareGraph.holdingAsBFloat16(narrow), rewrites, optimizer: nil, nil)
        let sums = try uses.map { use in
            try compile(
                fused.sumGraph(
                    use, shares: shares, rankGradients: rankGradients.element,
                    stateOwners: owners, narrow: narrow, learningRateScale: learningRateScale),
                [], optimizer: traced.optimizer, ranks)
        }
        return (share, sums)
    }

    private var narrows: Bool { holdsWeightsAsBFloat16 && options.precision == .bfloat16 }

    /// Compiles a computation without training.
    public func compile(_ step: InferenceStep) throws -> CompiledStep { try compile(step.trace()) }

    /// Compiles a graph, such as one that was read from its text form.
    public func compile(_ graph: Graph) throws -> CompiledStep {
        var rewrites: [Rewrite] = []
        let fused = try Pipeline.fusions(options.fusions).run(graph, recording: &rewrites)
        return try compile(fused, rewrites, optimizer: nil, communicator)
    }

    private func compile(
        _ graph: Graph, _ rewrites: [Rewrite], optimizer: Optimizer?, _ communicator: (any Communicator)?
    ) throws -> CompiledStep {
        var compilation = try backend.compile(graph)
        compilation.rewrites = rewrites
        Memory.returnUnused()
        // 40 MB of LLVM's code stay mapped after a compilation otherwise.
        AddressSpace.releaseCode(ofLibraryWith: "LLVMContextCreate")
        let executable = try backend.executable(compilation, pool: pool, communicator: communicator)
        return CompiledStep(compilation, executable, optimizer: optimizer, rank: communicator?.rank ?? 0)
    }
}

/// A compiled step, ready to run again and again. One run at a time.
public final class CompiledStep {
    /// The graph, the code and the time that the compilation took.
    public let compilation: Compilation
    private let runner: any Executable
    private let optimizer: Optimizer?
    /// The scalars of the optimizer that the program takes; a step that updates nothing takes none.
    private let scalarNames: Set<String>
    /// Names of the program's inputs.
    let inputNames: Set<String>
    /// Whether this is a step of training.
    var trains: Bool { optimizer != nil }

    /// Whose random numbers fresh states draw, and whose parts of divided state they hold.
    let rank: Int

    init(_ compilation: Compilation, _ runner: any Executable, optimizer: Optimizer?, rank: Int = 0) {
        self.rank = rank
        self.compilation = compilation
        self.runner = runner
        self.optimizer = optimizer
        inputNames = Set(compilation.program.inputs.map(\.name))
        scalarNames = inputNames.intersection(optimizer?.inputs(step: 1).keys.map(\.self) ?? [])
    }

    /// The program as plain data.
    public var program: Program { runner.program }

    /// Fresh weights and optimizer state, the same on all ranks; what layers draw is not.
    public func makeState(seed: UInt64) throws -> ProgramState {
        let state = ProgramState()
        try addParameters(to: state, seed: Int(truncatingIfNeeded: seed))
        return state
    }

    /// Runs the step once: updates the state in place and returns the outputs.
    ///
    /// A step that updates the weights counts up `state.step`. Without `learningRate` the optimizer's own is used.
    /// `observe` is told of each step of the program when it is done. If another thread uses the state, the run waits
    /// until that has ended.
    public func run(
        _ state: ProgramState, _ inputs: [String: TensorData], learningRate: Double? = nil,
        observe: ((StepRun) -> Void)? = nil
    ) throws -> StepReport {
        // The number of the step and the update that it counts belong together.
        try state.exclusively { () throws in
            try runAlone(state, inputs, learningRate: learningRate, observe: observe)
        }
    }

    private func runAlone(
        _ state: ProgramState, _ inputs: [String: TensorData], learningRate: Double?, observe: ((StepRun) -> Void)?
    ) throws -> StepReport {
        var inputs = inputs
        if let optimizer, !scalarNames.isEmpty {
            for (name, value) in optimizer.inputs(step: state.step + 1, learningRate: learningRate)
            where scalarNames.contains(name) {
                inputs[name] = TensorData(Float(value))
            }
        }
        if inputNames.contains(StateDivision.inputName) {
            inputs[StateDivision.inputName] = try TensorData([rank], shape: [])
        }
        let outputs = try runner.run(state, inputs, observe: observe)
        if !scalarNames.isEmpty { state.step += 1 }
        return StepReport(outputs: outputs)
    }
}

/// What a run of a step has computed.
public struct StepReport: Sendable {
    /// Loss, metrics and outputs by name.
    public let outputs: [String: TensorData]

    /// The loss; NaN if the step has none.
    public var loss: Float { outputs["loss"]?.scalar ?? .nan }
    /// The output of a name; nil if there is none.
    public subscript(name: String) -> TensorData? { outputs[name] }
}

extension CompilerOptions.Precision {
    /// The type of such numbers.
    fileprivate var element: ElementType { self == .bfloat16 ? .bf16 : .f32 }
}

extension Program {
    /// Bytes of what the optimizer keeps about the weights.
    public var optimizerBytes: Int {
        // Parts of weights in f32 are named as state, and are weights.
        parameters.filter { $0.name.hasPrefix("optimizer.") && !$0.name.hasPrefix(StateDivision.masterPrefix) }
            .reduce(0) { $0 + $1.type.byteCount }
    }
}
