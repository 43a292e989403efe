import ApusCodegen
import ApusIR
import ApusRuntime
import ApusTestSupport
import Testing

/// Fails where a graph's results on some numbers of threads are not bit for bit those of one.
func expectSameBits(
    _ graph: Graph, inputs: [String: HostTensor], options: CompilerOptions = CompilerOptions(),
    threads: [Int] = [2, 3, 5, 8, 17, 64],
    cache: ObjectCache? = nil, _ comment: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
    let loaded = try GraphCompiler(options, cache: cache).compile(graph).loaded, program = loaded.program
    func run(_ threads: Int) throws -> [String: TensorData] {
        let state = ProgramState()
        try state.add(program.parameters, seed: 7)
        let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: threads))
        var results: [String: TensorData] = [:]
        for _ in 0..<2 { results = try runner.run(state, inputs.mapValues { TensorData($0) }) }
        for name in state.names { results["update \(name)"] = try state.read(name) }
        return results
    }
    let alone = try run(1)
    for threads in threads {
        let results = try run(threads)
        for (name, data) in alone.sorted(by: { $0.key < $1.key }) {
            #expect(
                results[name] == data, "\(comment): '\(name)' on \(threads) threads", sourceLocation: sourceLocation)
        }
    }
}

/// Results do not depend on the number of threads: the same bits for each.
struct ThreadTests {
    @Test func transformer() throws {
        let graph = try transformerStep(batch: 9, tokens: 37, heads: 4, width: 16)
        var inputs = randomInputs(for: graph, seed: 1)
        inputs["learning_rate"]?.values = [0.01]
        inputs["adam_correction1"]?.values = [0.1]
        inputs["adam_correction2"]?.values = [0.05]
        try expectSameBits(graph, inputs: inputs, "transformer")
    }

    /// Enough work for several tiles of every kind of kernel.
    @Test func largeKernels() throws {
        let graph = try functionGraph([f32(300, 257), f32(257, 190), i32(300)]) { x in
            let y = exp(x[0]) * 0.1
            return [
                y, softmax(x[0]), sum(y, axes: [0]), sum(x[0] * y, axes: [1]), matmul(x[0], x[1]),
                dot(x[1], x[0], contracting: [(0, 1)]),
                gather(y, x[2]), scatterAdd(y, at: x[2], rows: 50), argsort(y), concatenate([y, x[0]], axis: 1),
                sum(x[0].reshape([60, 5, 257]), axes: [1]),
            ]
        }
        try expectSameBits(graph, inputs: randomInputs(for: graph, seed: 2), "large kernels")
    }
}
