import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTransforms
import Foundation

/// What came out of a compilation besides the program: for printing and for measuring.
public struct Compilation: Sendable {
    public var program: Program
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
    public var timings: [(stage: String, seconds: Double)]

    public var seconds: Double { timings.reduce(0) { $0 + $1.seconds } }
}

/// Compiles graphs to native programs.
public struct GraphCompiler: Sendable {
    public var target: TargetDescription
    public var options: CompilerOptions
    /// Where code is kept from one compilation to the next.
    public var cache: ObjectCache?

    /// A compiler for this machine, or for one with fewer features.
    public init(
        _ options: CompilerOptions = CompilerOptions(), target: TargetDescription? = nil,
        cache: ObjectCache? = .standard
    ) throws {
        self.options = options
        self.cache = cache
        self.target = try target ?? .host()
    }

    /// Compiles a graph. Throws `GraphErrors` for what the back end does not offer.
    public func compile(_ graph: Graph) throws -> Compilation {
        var clock = StageClock()
        var rewrites: [Rewrite] = []
        let whole = try clock.time("optimize") { try Self.optimize(graph, options.precision, recording: &rewrites) }
        let (optimized, schedule) = try clock.time("schedule") { try fitted(whole, recording: &rewrites) }
        let table = KernelTable(schedule)
        let found = clock.time("cache") { lookedUp(table) }
        let codes = try clock.time("generate") { try generated(found) }
        let (program, memory) = try clock.time("link") { try link(schedule, table, codes, name: graph.name) }
        return Compilation(
            program: program, rewrites: rewrites, optimized: optimized, memory: memory,
            kernels: table.text(of: schedule),
            isCached: !found.isEmpty && found.allSatisfy { $0.object != nil }, timings: clock.stages)
    }

    /// The graph of primitives that is scheduled.
    public static func optimize(_ graph: Graph, _ precision: CompilerOptions.Precision = .float32) throws -> Graph {
        var rewrites: [Rewrite] = []
        return try optimize(graph, precision, recording: &rewrites)
    }

    static func optimize(
        _ graph: Graph, _ precision: CompilerOptions.Precision, recording rewrites: inout [Rewrite]
    ) throws -> Graph {
        try Pipeline(optimization(precision).passes + legalization.passes).run(graph, recording: &rewrites)
    }

    /// From a traced and differentiated graph to primitives, and to the operations that have kernels of their own.
    package static func optimization(_ precision: CompilerOptions.Precision) -> Pipeline {
        var pipeline = Pipeline.standard(keeping: AttentionKernel.isSupported)
        if precision == .bfloat16 { pipeline.passes.append(.mixedPrecision) }
        return pipeline
    }

    /// From there to the forms that have kernels.
    package static let legalization = Pipeline([.legalize, .simplify, .commonSubexpressions, .deadCode])

    /// LLVM's intermediate code of a graph's kernels after its own passes.
    public func llvm(_ graph: Graph) throws -> String {
        try emit(KernelTable(fitted(graph)).named).text
    }

    /// Assembly of a graph's kernels.
    public func assembly(_ graph: Graph) throws -> String {
        try emit(KernelTable(fitted(graph)).named).assembly()
    }

    /// The schedule as text: steps in order, then the kernels that they call.
    public func kernels(_ graph: Graph) throws -> String {
        try fitted(graph).text(at: .kernels)
    }

    /// The schedule of a graph that has not been optimized yet.
    private func fitted(_ graph: Graph) throws -> Schedule {
        var rewrites: [Rewrite] = []
        return try fitted(Self.optimize(graph, options.precision), recording: &rewrites).schedule
    }

    /// The steps of an optimized graph.
    package func schedule(_ graph: Graph) throws -> Schedule {
        switch options.products {
        case .generated: try Schedule(graph)
        case .openblas:
            try Schedule(graph) { graph, placement, _ in
                Set(graph.values.filter { placement[$0] == .product && graph.isLibraryProduct($0) })
            }
        case .auto: try Schedule(graph, forLibrary: ProductChoice(target, cache).libraryProducts)
        }
    }
}

/// The distinct kernels of a schedule; steps that do the same share one.
struct KernelTable {
    private(set) var kernels: [GeneratedKernel] = []
    /// Kernel of each step that is one.
    private(set) var numbers: [Int?] = []

    init(_ schedule: Schedule) {
        var known: [GeneratedKernel: Int] = [:]
        for step in schedule.steps {
            guard case .kernel(let call) = step.work else {
                numbers.append(nil)
                continue
            }
            let number = known[call.kernel] ?? kernels.count
            if number == kernels.count {
                known[call.kernel] = number
                kernels.append(call.kernel)
            }
            numbers.append(number)
        }
    }

    /// A line for each step of the schedule: what it does, its kernel, and the buffers that it touches.
    func steps(of schedule: Schedule) -> [String] {
        schedule.steps.enumerated().map { number, step in
            let kernel = numbers[number].map { " = \(Self.symbol($0))" } ?? ""
            return "\(number): \(step.name)\(kernel) on " + step.buffers.map { "b\($0)" }.joined(separator: ", ")
        }
    }

    /// The steps, then the kernels that they call.
    func text(of schedule: Schedule) -> String {
        let texts = kernels.enumerated().map { "\n\(Self.symbol($0)): \($1)" }
        return (steps(of: schedule) + texts).joined(separator: "\n") + "\n"
    }

    static func symbol(_ number: Int) -> String { "kernel_\(number)" }

    /// The kernels under the names that they have in listings.
    var named: [(symbol: String, kernel: GeneratedKernel)] { kernels.enumerated().map { (Self.symbol($0), $1) } }
}

/// Seconds that the stages of a compilation take.
private struct StageClock {
    private(set) var stages: [(stage: String, seconds: Double)] = []

    mutating func time<Result>(_ stage: String, _ body: () throws -> Result) rethrows -> Result {
        let start = DispatchTime.now().uptimeNanoseconds
        defer { stages.append((stage, Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9)) }
        return try body()
    }
}
