import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

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

/// Compiles a graph and runs it; the results by name, updates under `update NAME`.
func runCompiled(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor] = [:],
    threads: Int = 2, target: TargetDescription? = nil
) throws -> [String: TensorData] {
    let program = try GraphCompiler(target: target).compile(graph).program
    let state = ProgramState()
    try state.add(program.parameters, seed: 0)
    for (name, value) in parameters { try state.write(name, TensorData(value)) }
    let runner = try ProgramRunner(program, pool: WorkerPool(threads: threads))
    var results = try runner.run(state, inputs.mapValues { TensorData($0) })
    for result in graph.results {
        guard case .update(let parameter) = result.kind, let operation = graph[parameter].operation as? Parameter else { continue }
        results["update \(operation.name)"] = try state.read(operation.name)
    }
    return results
}

/// Fails where the compiled graph and the interpreter differ by more than the tolerance.
func expectMatchesInterpreter(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor] = [:], tolerance: Double = 2e-5,
    threads: Int = 2, target: TargetDescription? = nil, _ comment: String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
    let outcome = try Interpreter().run(graph, inputs: inputs, parameters: parameters)
    var expected = outcome.outputs
    for (name, value) in outcome.updates { expected["update \(name)"] = value }
    let results = try runCompiled(graph, inputs: inputs, parameters: parameters, threads: threads, target: target)
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
        let result = try #require(results[name], "\(comment): no result \(name)", sourceLocation: sourceLocation)
        let error = relativeError(result.hostTensor, value)
        #expect(error <= tolerance, "\(comment): '\(name)' \(value.type) differs by \(error)", sourceLocation: sourceLocation)
    }
}
