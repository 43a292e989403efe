import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Foundation
import Testing

/// How far two tensors are apart.
typealias Distance = (_ found: HostTensor, _ expected: HostTensor) -> Double

/// ‖a − b‖ / ‖b‖, with a floor for tensors that are zero; NaN and infinity must be at the same places.
func relativeError(_ a: HostTensor, _ b: HostTensor) -> Double {
    var difference = 0.0, norm = 0.0
    for (x, y) in zip(a.values, b.values) {
        if x.isNaN != y.isNaN { return .infinity }
        if x.isNaN || x == y { continue }
        difference += (x - y) * (x - y)
        norm += y * y
    }
    return difference.squareRoot() / (norm.squareRoot() + 1e-3)
}

/// The largest |a − b| beside 1 + the largest |b|; NaN and infinity must be at the same places.
func largestError(_ a: HostTensor, _ b: HostTensor) -> Double {
    var distance = 0.0, scale = 1.0
    for (x, y) in zip(a.values, b.values) {
        if x.isNaN != y.isNaN { return .infinity }
        if y.isFinite { scale = max(scale, 1 + abs(y)) }
        if x.isNaN || x == y { continue }
        distance = max(distance, abs(x - y))
    }
    return distance / scale
}

/// 0 if all elements are the same, NaN included; the number of those that are not otherwise.
func differences(_ a: HostTensor, _ b: HostTensor) -> Double {
    Double(
        zip(a.values, b.values).count { x, y in x != y && !(x.isNaN && y.isNaN) } + abs(a.values.count - b.values.count)
    )
}

/// Code that the tests of this process share, since random graphs have kernels in common. It goes with the process.
let sharedCache: ObjectCache = {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "apus-tests-\(ProcessInfo.processInfo.processIdentifier)"
    ).path
    atexit { try? FileManager.default.removeItem(atPath: sharedCache.folder) }
    return ObjectCache(folder: folder)
}()

/// A program that would be refused if it came from a file.
struct RefusedProgram: Error { var problem: String }

/// A second run, for which everything was prepared, gives another result than the first.
struct RunsDiffer: Error { var name: String }

/// Compiles a graph and runs it in memory that is NaN until it is written; the results by name, updates under
/// `update NAME`.
func runCompiled(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor] = [:],
    options: CompilerOptions = CompilerOptions(),
    threads: Int = 2, target: TargetDescription? = nil, cache: ObjectCache? = nil
) throws -> [String: TensorData] {
    let loaded = try GraphCompiler(options, target: target, cache: cache).compile(graph).loaded,
        program = loaded.program
    if let problem = program.problem { throw RefusedProgram(problem: problem) }
    let state = ProgramState()
    try state.add(program.parameters, seed: 0)
    let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: threads), poisons: true),
        inputs = inputs.mapValues { TensorData($0) }
    // What is prepared for other weights must not be taken for these.
    if program.preparationCount > 0 { try runner.run(state, inputs) }
    for (name, value) in parameters { try state.write(name, TensorData(value)) }
    var results = try runner.run(state, inputs)
    if program.preparationCount > 0 {
        let again = try runner.run(state, inputs)
        for (name, result) in results
        where differences(result.hostTensor, again[name]?.hostTensor ?? HostTensor(result.type)) > 0 {
            throw RunsDiffer(name: name)
        }
    }
    for result in graph.results {
        guard case .update(let parameter) = result.kind, let operation = graph[parameter].operation as? Parameter else {
            continue
        }
        results["update \(operation.name)"] = try state.read(operation.name)
    }
    return results
}

/// The steps of a graph whose matmuls are all generated.
func schedule(_ graph: Graph) throws -> Schedule {
    try GraphCompiler(CompilerOptions(products: .generated), cache: nil).schedule(graph)
}

/// What the interpreter makes of a graph, under the names that `runCompiled` gives.
func runInterpreted(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor] = [:]
) throws -> [String: HostTensor] {
    let outcome = try Interpreter().run(graph, inputs: inputs, parameters: parameters)
    var results = outcome.outputs
    for (name, value) in outcome.updates { results["update \(name)"] = value }
    return results
}

/// Fails where the compiled graph and the interpreter differ by more than the tolerance.
func expectMatchesInterpreter(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor] = [:], tolerance: Double = 2e-5,
    by distance: Distance = relativeError, options: CompilerOptions = CompilerOptions(), threads: Int = 2,
    target: TargetDescription? = nil,
    cache: ObjectCache? = nil, _ comment: String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
    let expected = try runInterpreted(graph, inputs: inputs, parameters: parameters)
    let results = try runCompiled(
        graph, inputs: inputs, parameters: parameters, options: options, threads: threads, target: target, cache: cache)
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
        let result = try #require(results[name], "\(comment): no result \(name)", sourceLocation: sourceLocation)
        #expect(result.type == value.type, "\(comment): type of '\(name)'", sourceLocation: sourceLocation)
        let error = distance(result.hostTensor, value)
        #expect(
            error <= tolerance, "\(comment): '\(name)' \(value.type) differs by \(error)",
            sourceLocation: sourceLocation)
    }
}

/// A graph of inputs x0, x1, … and outputs y0, y1, …, made by a closure.
func functionGraph(_ types: [TensorType], _ body: ([Tensor]) -> [Tensor]) throws -> Graph {
    let builder = GraphBuilder(name: "function")
    let inputs = types.enumerated().map { builder.input(Input("x\($0)", $1)) }
    for (number, tensor) in body(inputs).enumerated() { builder.output("y\(number)", tensor) }
    return try builder.finish()
}

/// Fails where a function of random tensors, compiled, is not what the interpreter makes of it.
///
/// `values` replaces the random numbers of some operands.
func expectFunction(
    _ types: [TensorType], values: [Int: [Double]] = [:], seed: UInt64 = 1, tolerance: Double = 2e-5,
    by distance: Distance = relativeError, options: CompilerOptions = CompilerOptions(), threads: Int = 2,
    target: TargetDescription? = nil,
    _ comment: String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: ([Tensor]) -> [Tensor]
) throws {
    let graph = try functionGraph(types, body)
    var inputs = randomInputs(for: graph, seed: seed)
    for (number, numbers) in values { inputs["x\(number)"] = HostTensor(types[number], numbers) }
    try expectMatchesInterpreter(
        graph, inputs: inputs, tolerance: tolerance, by: distance, options: options, threads: threads, target: target,
        "\(comment.isEmpty ? "\(types)" : comment), seed \(seed)", sourceLocation: sourceLocation)
}

func f32(_ shape: Int...) -> TensorType { TensorType(.f32, shape) }
func i32(_ shape: Int...) -> TensorType { TensorType(.i32, shape) }
func bf16(_ shape: Int...) -> TensorType { TensorType(.bf16, shape) }

/// Extents around the widths of vectors and tiles, and those of a vision transformer's tokens.
let oddExtents = [1, 3, 15, 16, 17, 33, 50, 137, 197, 1000]
