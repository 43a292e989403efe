import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTransforms
import Foundation

/// The back end for processors: compiles graphs to native programs by LLVM.
public struct GraphCompiler: Backend {
    public let target: TargetDescription
    public let options: CompilerOptions
    /// The sizes and limits that decisions are made by: those of the options, else the machine's.
    public let tuning: Tuning
    /// Where code is kept from one compilation to the next.
    public let cache: ObjectCache?
    /// Takes the place of measurements where `products` is `auto`: the matmuls of a graph that are left to the library.
    package var libraryChoice: (@Sendable (Graph) -> Set<ApusIR.Value>)?

    /// A compiler for this machine, or for one with fewer features.
    public init(
        _ options: CompilerOptions = CompilerOptions(), target: TargetDescription? = nil,
        cache: ObjectCache? = .standard
    ) throws {
        self.options = options
        self.cache = cache
        let target = try target ?? .host()
        self.target = target
        tuning = options.tuning ?? Tuning(target)
    }

    /// Everything that happens to a graph before it is scheduled, in order: primitives, then the forms that kernels
    /// have, then what depends on memory. `apus show --stage` prints what each of them leaves.
    public var pipeline: Pipeline {
        let tuning = tuning
        var passes = Pipeline.standard(keeping: { AttentionKernel.isSupported($0, $1, tuning) }).passes
        if options.precision == .bfloat16 { passes.append(.mixedPrecision(roundingFrom: tuning.smallestRounded)) }
        passes += [.legalize(tuning), .simplify, .commonSubexpressions, .deadCode, .verifyLegal(tuning)]
        switch options.products {
        case .generated: break
        case .openblas: passes.append(.chooseLibrary { Set($0.libraryCandidates) })
        case .auto:
            let choice = ProductChoice(target, cache, tuning)
            passes.append(.chooseLibrary(libraryChoice ?? { choice.libraryProducts($0) }))
        }
        if let limit = options.memoryLimit { passes.append(.limitMemory(to: limit, tuning)) }
        return Pipeline(passes + [.copyOperands(tuning), .verifyLegal(tuning)])
    }

    public func emit(
        _ graph: Graph, recording timings: inout [(stage: String, seconds: Double)]
    ) throws -> Compilation {
        let schedule = try timed("schedule", &timings) { try Schedule(graph, tuning) }
        let table = KernelTable(schedule, target, tuning)
        let found = timed("cache", &timings) { lookedUp(table) }
        let codes = try timed("generate", &timings) { try generated(found) }
        let objects = codes.compactMap(\.object)
        let (program, memory) = link(schedule, table, codes, name: graph.name)
        let loaded = try timed("link", &timings) {
            try LoadedProgram(program, LoadedObjects(objects, name: graph.name))
        }
        return Compilation(
            program: program, loaded: loaded, objects: objects, target: target, optimized: graph, memory: memory,
            kernels: Self.text(schedule, table), isCached: !found.isEmpty && found.allSatisfy { $0.object != nil })
    }

    public func executable(_ compilation: Compilation, pool: WorkerPool) throws -> any Executable {
        try ProgramRunner(compilation.loaded, pool: pool)
    }

    /// LLVM's intermediate code of a graph's kernels after its own passes.
    public func llvm(_ graph: Graph) throws -> String { try emit(table(graph).named).text }

    /// Assembly of a graph's kernels.
    public func assembly(_ graph: Graph) throws -> String { try emit(table(graph).named).assembly() }

    /// The schedule as text: steps in order, then the kernels that they call.
    public func kernels(_ graph: Graph) throws -> String {
        let schedule = try schedule(graph)
        return Self.text(schedule, KernelTable(schedule, target, tuning))
    }

    /// The steps of a graph.
    package func schedule(_ graph: Graph) throws -> Schedule { try Schedule(lowered(graph), tuning) }

    private func table(_ graph: Graph) throws -> KernelTable { KernelTable(try schedule(graph), target, tuning) }

    private static func text(_ schedule: Schedule, _ table: KernelTable) -> String {
        var lines: [String] = []
        for (number, step) in schedule.steps.enumerated() {
            let kernel = table.numbers[number].map { " = \(KernelTable.symbol($0))" } ?? ""
            lines.append("\(number): \(step.name)\(kernel) on " + step.buffers.map { "b\($0)" }.joined(separator: ", "))
        }
        for (number, kernel) in table.kernels.enumerated() {
            lines.append("\n\(KernelTable.symbol(number)): \(kernel)")
        }
        return lines.joined(separator: "\n") + "\n"
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
