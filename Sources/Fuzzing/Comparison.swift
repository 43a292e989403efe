import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTransforms

/// One way to compile and run a graph, and how far its results may be from the interpreter's.
public struct Comparison: Sendable {
    public var options = CompilerOptions()
    /// The machine that code is made for; nil for this one.
    public var target: TargetDescription?
    public var threads = 2
    /// Whether all that a kernel may touch lies between pages that nobody may: code that reads or writes beyond its
    /// tensors ends the process.
    public var guardsMemory = false
    /// Where code is kept: random graphs have some kernels in common.
    public var cache: ObjectCache?
    /// Seed of the numbers that inputs and parameters get.
    public var seed: UInt64 = 0
    /// Inputs are multiples of one part of this.
    public var leafDenominator = 64
    /// Seed of the answers to who computes which matmul, where the options leave that to measurements: what a clock
    /// says would be another thing each time.
    public var answerSeed: UInt64 = 0

    public init() {}

    /// What came out of a comparison.
    public enum Verdict: Hashable, Sendable {
        case same
        /// Rounding alone moves a result so far that a difference would say nothing.
        case sensitive
        case different(Failure)
    }

    /// How far an element may be from the interpreter's, as a part of 1 + the largest of its tensor.
    ///
    /// The largest, since a gradient may be the small difference of large terms, and there the error of correct kernels
    /// is that of the terms. In f32, 2e-4 is within what these graphs move if each node is rounded to f32. Numbers in
    /// bf16 are off by up to 2⁻⁹; a few matmuls and what follows them add up to a few per cent. Integers and truth
    /// values must be the same: what decides about them is exact.
    public var tolerance: Double { options.precision == .bfloat16 ? 3e-2 : 2e-4 }

    /// The part of the tolerance that rounding may use up where the interpreter itself rounds (`RoundedInterpreter`).
    /// Kernels add in another order and round at other places; they get four times as much.
    static let sensitivity = 0.25

    /// How a graph is run on its inputs and the content of its parameters.
    public typealias Run = (
        _ graph: Graph, _ inputs: [String: HostTensor], _ parameters: [String: HostTensor]
    ) throws -> [String: HostTensor]

    /// Compiles and runs a graph, and compares its results with the interpreter's.
    public func verdict(on graph: Graph) -> Verdict {
        verdict(on: graph) { graph, inputs, parameters in
            try Memory.$isGuarded.withValue(guardsMemory) {
                try compiled(graph, inputs: inputs, parameters: parameters)
            }
        }
    }

    /// Runs a graph in some way, such as on another machine, and compares its results with the interpreter's.
    public func verdict(on graph: Graph, running run: Run) -> Verdict {
        do {
            let inputs = randomInputs(for: graph, seed: seed, denominator: leafDenominator)
            let parameters = randomParameters(for: graph, seed: seed, denominator: leafDenominator)
            let expected = try interpreted(graph, inputs: inputs, parameters: parameters)
            let found = try run(graph, inputs, parameters)
            let failures = try differences(found, expected, allowing: tolerance)
            guard !failures.isEmpty else { return .same }
            let parts = try Pass.decompose.run(graph)
            var sensitive: Set<String> = []
            for seed in 0..<3 as Range<UInt64> {
                let interpreter = RoundedInterpreter(seed: seed, roundsOperands: options.precision == .bfloat16)
                let rounded = try interpreter.run(parts, inputs: inputs, parameters: parameters)
                let moved = try differences(rounded, expected, allowing: tolerance * Self.sensitivity)
                sensitive.formUnion(moved.map(\.name))
            }
            return failures.first { !sensitive.contains($0.name) }.map { .different(.result($0)) } ?? .sensitive
        } catch {
            return .different(.error("\(error)"))
        }
    }

    /// Compiles a graph and runs it twice; throws if a program file would be refused, or if the second run is not like
    /// the first.
    private func compiled(
        _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor]
    ) throws -> [String: HostTensor] {
        var compiler = try GraphCompiler(options, target: target, cache: cache)
        compiler.guardsBuffers = guardsMemory
        compiler.libraryChoice = { [answerSeed] graph in
            Set(graph.libraryCandidates.filter { drawsLibrary(graph, $0, seed: answerSeed) })
        }
        let compilation = try compiler.compile(graph)
        if let problem = compilation.loaded.program.problem { throw WrongResult("as a program file: \(problem)") }
        let runner = try ProgramRunner(
            compilation.loaded, pool: WorkerPool(threads: threads), guardPages: compiler.plan(graph).memory.guardPages,
            poisons: true)
        let state = ProgramState(), data = inputs.mapValues { TensorData($0) }
        try state.add(runner.program.parameters, seed: 0)
        let (first, second) = try (run(), run())
        for (name, value) in first.sorted(by: { $0.key < $1.key }) where second[name] != value {
            throw WrongResult("the result '\(name)' is another one when the program runs again")
        }
        for (name, value) in inputs where data[name] != TensorData(value) {
            throw WrongResult("the program has written to the input '\(name)'")
        }
        return first.mapValues(\.hostTensor)

        func run() throws -> [String: TensorData] {
            for (name, value) in parameters { try state.write(name, TensorData(value)) }
            var results = try runner.run(state, data)
            for name in updatedParameters(of: graph) { results["update \(name)"] = try state.read(name) }
            return results
        }
    }

    /// The results that are too far from those expected, by name. Throws if one is missing or has another type.
    private func differences(
        _ results: [String: HostTensor], _ expected: [String: HostTensor], allowing tolerance: Double
    ) throws(WrongResult) -> [Failure.Result] {
        var failures: [Failure.Result] = []
        for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
            guard let found = results[name] else { throw WrongResult("there is no result '\(name)'") }
            guard found.type == value.type else {
                throw WrongResult("the result '\(name)' is \(found.type), not \(value.type)")
            }
            let scale = 1 + (value.values.filter(\.isFinite).map(\.magnitude).max() ?? 0)
            let allowed = value.type.element.isFloatingPoint ? tolerance * scale : 0
            let distances = zip(found.values, value.values).map(distance)
            guard let worst = distances.indices.max(by: { distances[$0] < distances[$1] }), distances[worst] > allowed
            else { continue }
            failures.append(
                Failure.Result(
                    name: name, type: value.type, element: worst, found: found.values[worst],
                    expected: value.values[worst], allowed: allowed))
        }
        return failures
    }

    /// |x − y|; NaN must be at the same places, and infinities be the same.
    private func distance(_ x: Double, _ y: Double) -> Double {
        if x.isNaN || y.isNaN { return x.isNaN == y.isNaN ? 0 : .infinity }
        return x == y ? 0 : (x - y).magnitude
    }
}

/// Whether a matmul is drawn to be the library's. Matmuls of the same types are drawn alike, so that the answer stays
/// when other nodes of the graph are taken away.
private func drawsLibrary(_ graph: Graph, _ value: ApusIR.Value, seed: UInt64) -> Bool {
    let types = graph[value].operands.map { graph[$0].type.description }.joined()
    var random = SeededGenerator(seed: types.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    return random.chance(0.5)
}
