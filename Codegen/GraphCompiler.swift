import ApusIR
import ApusLLVM
import ApusObjects
import ApusRuntime
import ApusSystem
import ApusTransforms
import Foundation

/// The back end for processors: compiles graphs to native programs by LLVM.
public struct GraphCompiler: Backend {
    /// The machine that code is made for.
    public let target: TargetDescription
    /// What was asked for.
    public let options: CompilerOptions
    /// The sizes and limits that decisions are made by: those of the options, else the machine's.
    public let tuning: Tuning
    /// Where code is kept from one compilation to the next.
    public let cache: ObjectCache?
    /// Takes the place of measurements where `products` is `auto`: the matmuls of a graph that are left to the library.
    package var libraryChoice: (@Sendable (Graph) -> Set<ApusIR.Value>)?

    /// Whether buffers lie between pages that nobody may touch, as the report of the memory lists them: for tests.
    package var guardsBuffers = false

    /// Who computes which matmul, as answered so far, where answers are to stay beyond this process.
    private let answers: KeptAnswers?
    /// What was asked during a compilation.
    var asked: KeptAnswers?

    /// Who computes which matmul.
    var choice: MatmulChoice { MatmulChoice(target, cache, tuning, kept: answers, asked: asked) }

    /// A compiler for this machine, or for one with fewer features, whose programs are divided for so many threads;
    /// they run on others as well, and give the same bits. Throws if LLVM does not know the machine, or if the options
    /// want the library and it cannot be loaded.
    public init(
        _ options: CompilerOptions = CompilerOptions(), target: TargetDescription? = nil, threads: Int? = nil,
        cache: ObjectCache? = .standard, answers: KeptAnswers? = nil
    ) throws {
        self.answers = answers
        self.options = options
        self.cache = cache
        let target = try target ?? .host()
        self.target = target
        var tuning = options.tuning ?? Tuning(target)
        if let threads { tuning.threads = max(1, threads) }
        if options.memoryLimit != nil {
            tuning.preparesWeights = false
            tuning.winograd.constantKernels = nil
        }
        self.tuning = tuning
        if options.products == .openblas { _ = try MatmulLibrary.shared() }
    }

    /// Everything that happens to a graph before it is scheduled, in order: primitives, then the forms that kernels
    /// have, then what depends on memory. `apus show --stage` prints what each of them leaves.
    public var pipeline: Pipeline {
        var passes =
            optimization.passes + [
                .legalize(tuning), .simplify, .commonSubexpressions, .deadCode, .verifyLegal(tuning),
            ]
        switch options.products {
        case .generated: break
        case .openblas: passes.append(.chooseLibrary { Set($0.libraryCandidates) })
        case .auto:
            let choice = choice
            passes.append(.chooseLibrary(libraryChoice ?? { try choice.libraryMatmuls($0) }))
        }
        if let limit = options.memoryLimit { passes.append(.limitMemory(to: limit, tuning)) }
        return Pipeline(passes + Pass.placeOperands(tuning) + [.verifyLegal(tuning)])
    }

    /// Its first part: primitives, and operations that have kernels of their own.
    package var optimization: Pipeline {
        let tuning = tuning
        var pipeline = Pipeline.standard(
            keeping: { AttentionKernel.isSupported($0, $1, tuning) },
            explaining: { AttentionKernel.obstacle($0, $1, tuning) })
        switch options.precision {
        // Sums of elements, rounded, are farther off than the elements.
        case .bfloat16: pipeline.passes.append(.mixedPrecision(roundingFrom: tuning.smallestRounded))
        case .float32 where options.fusions.contains(.winograd):
            pipeline.passes.append(.winograd(tuning.winograd))
        case .float32: break
        }
        pipeline.passes += [.narrowGroups(tuning.narrowGroups), .sinkTransposes]
        return pipeline
    }

    /// The program of a legal graph, with its code in this process. Throws `RuntimeError` without enough address space.
    public func emit(
        _ graph: Graph, recording timings: inout [(stage: String, seconds: Double)]
    ) throws -> Compilation {
        guard AddressSpace.hasRoom(for: Self.roomToCompile) else {
            throw RuntimeError(
                .outOfMemory,
                "compiling '\(graph.name)' takes up to \(Self.roomToCompile) bytes of address space, which the system does not "
                    + "give; \(AddressSpace.advice)")
        }
        let schedule = try timed("schedule", &timings) { try Schedule(graph, tuning) }
        let table = KernelTable(schedule), plans = self.plans(table)
        let found = timed("cache", &timings) { lookedUp(table, plans) }
        let codes = try timed("generate", &timings) { try generated(found) }
        let objects = codes.compactMap(\.object)
        let program = link(schedule, table, plans, codes, name: graph.name)
        let (code, loaded) = try timed("link", &timings) {
            let code = try CodeImage(linking: objects)
            return (code, try LoadedProgram(program, LoadedCode(code)))
        }
        return Compilation(
            program: program, loaded: loaded, code: code, target: target, source: graph,
            isCached: !found.isEmpty && found.allSatisfy { $0.object != nil })
    }

    /// Address space that LLVM and the code that it makes take, with some to spare: it ends the process where it gets
    /// none.
    private static let roomToCompile = 96 << 20

    /// A program with an arena of its own. Throws `RuntimeError` without enough memory, or without a communicator where
    /// the program adds up over ranks.
    public func executable(
        _ compilation: Compilation, pool: WorkerPool, communicator: (any Communicator)? = nil
    ) throws -> any Executable {
        try ProgramRunner(compilation.loaded, pool: pool, communicator: communicator)
    }

    /// LLVM's intermediate code of a graph's kernels after its own passes.
    public func llvm(_ graph: Graph) throws -> String { try module(of: graph).text }

    /// Assembly of a graph's kernels.
    public func assembly(_ graph: Graph) throws -> String { try module(of: graph).assembly() }

    /// The schedule as text: steps in order, then the kernels that they call.
    public func kernels(_ graph: Graph) throws -> String {
        try schedule(graph).text(at: .kernels)
    }

    /// The steps of a graph.
    package func schedule(_ graph: Graph) throws -> Schedule { try Schedule(lowered(graph), tuning) }

    /// How each kernel is divided.
    private func plans(_ table: KernelTable) -> [KernelPlan] { table.kernels.map { KernelPlan($0, target, tuning) } }

    /// The kernels of a graph in one module, under the names that they have in listings.
    private func module(of graph: Graph) throws -> Module {
        let table = KernelTable(try schedule(graph)), plans = plans(table)
        return try emit(table.kernels.indices.map { (KernelTable.symbol($0), table.kernels[$0], plans[$0]) })
    }
}

/// Notes how many seconds a stage of a compilation takes.
func timed<Result>(
    _ stage: String, _ timings: inout [(stage: String, seconds: Double)], _ body: () throws -> Result
) rethrows -> Result {
    let start = DispatchTime.now().uptimeNanoseconds
    defer { timings.append((stage, Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9)) }
    return try body()
}
