import ApusCodegen
import ApusIR
import ApusRuntime
import ApusTestSupport
import Testing

/// What cannot be compiled or run is an error that says why.
struct ErrorTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func doublePrecision() throws {
        let graph = try functionGraph([TensorType(.f64, [3])]) { x in [x[0] * 2] }
        #expect(throws: GraphErrors.self) { try GraphCompiler(cache: nil).compile(graph) }
        let cast = try functionGraph([f32(3)]) { x in [x[0].cast(.f64).cast(.f32)] }
        #expect(throws: GraphErrors.self) { try GraphCompiler().kernels(cast) }
        #expect(
            message { _ = try GraphCompiler(cache: nil).compile(graph) }.contains(
                "f64 is for the interpreter; generated code computes in f32"))
    }

    private func product() throws -> LoadedProgram {
        let builder = GraphBuilder(name: "product")
        let x = builder.input(Input("x", f32(2, 3))), y = builder.input(Input("y", i32(2)))
        builder.output("z", matmul(gather(x, y), builder.parameter(Parameter("w", f32(3, 4), .zeros))))
        return try GraphCompiler(cache: nil).compile(try builder.finish()).loaded
    }

    @Test func inputs() throws {
        let loaded = try product(), runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 1)),
            state = ProgramState()
        try state.add(loaded.program.parameters, seed: 0)
        let x = try TensorData([Float](repeating: 1, count: 6), shape: [2, 3]), y = try TensorData([0, 1] as [Int32])
        #expect(message { try runner.run(state, ["x": x, "y": y]) } == "no error")
        #expect(message { try runner.run(state, ["x": x]) } == "the input 'y' (i32[2]) of 'product' is missing")
        #expect(
            message { try runner.run(state, ["x": x, "y": y, "q": y]) }
                == "'q' is not an input of 'product', which has x, y")
        #expect(
            message { try runner.run(state, ["x": x, "y": try TensorData([0, 1, 1] as [Int32])]) }
                == "the input 'y' of 'product' is i32[2], given i32[3]")
        #expect(
            message { try runner.run(state, ["x": x, "y": try TensorData([0, 1] as [Float])]) }
                == "the input 'y' of 'product' is i32[2], given f32[2]")
    }

    @Test func states() throws {
        let loaded = try product(), runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 1)),
            state = ProgramState()
        let inputs = [
            "x": try TensorData([Float](repeating: 1, count: 6), shape: [2, 3]),
            "y": try TensorData([0, 1] as [Int32]),
        ]
        #expect(message { try runner.run(state, inputs) } == "the state has no parameter 'w'")
        try state.add([Parameter("w", f32(3, 5), .zeros)], seed: 0)
        #expect(message { try runner.run(state, inputs) } == "'w' is f32[3,5] in the state, f32[3,4] in the program")
    }

    @Test func memoryBeyondAnyMachine() throws {
        let types = [f32(60, 1 << 15, 1), f32((1 << 16) - 1)]
        let graph = try functionGraph(types) { x in (0..<60).map { x[0].slice($0..<$0 + 1, axis: 0) + x[1] } }
        let compilation = try GraphCompiler(cache: nil).compile(graph)
        #expect(compilation.program.arenaBytes > 1 << 38)
        let error = #expect(throws: RuntimeError.self) {
            try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 1))
        }
        #expect(error?.code == .outOfMemory)
    }

    /// Kernels count elements in 32 bits: whatever has more, stored or not, is refused.
    @Test func moreElementsThanKernelsCount() throws {
        let graph = try functionGraph([f32(1 << 16, 1), f32(1, 1 << 15)]) { x in
            [sum(exp(x[0] + x[1]), axes: [1]), matmul(x[0], x[1])]
        }
        let message =
            "f32[65536,32768] has 2147483648 elements; generated code counts up to 2147483647: use a smaller batch"
        let error = #expect(throws: GraphErrors.self) { try GraphCompiler(cache: nil).compile(graph) }
        #expect(error?.errors.allSatisfy { $0.code == .unsupported && $0.message == message } ?? false)
        #expect(Set(error?.errors.map(\.operation) ?? []) == ["broadcast", "dot"])
        let fits = try functionGraph([f32(1 << 16, 1), f32(1, (1 << 15) - 1)]) { x in [sum(x[0] + x[1], axes: [1])] }
        _ = try GraphCompiler(cache: nil).compile(fits)
    }

    @Test func padsWithoutWidths() throws {
        let graph = try functionGraph([f32(2, 3)]) { x in
            let none = [0, 0]
            return [x[0].builder.add(Pad(low: none, high: none, interior: none), [x[0]]) * 2]
        }
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 1), tolerance: 0)
    }

    /// Labels and indices of embeddings are checked before anything runs, where they are given to the program.
    @Test func indicesOutOfRange() throws {
        let builder = GraphBuilder(name: "step")
        let logits = builder.input(Input("logits", f32(4, 3))), labels = builder.input(Input("labels", i32(2, 2)))
        let loss = crossEntropy(logits, labels.reshape([4]))
        let weight = builder.parameter(Parameter("w", f32(), .ones))
        builder.output("loss", loss)
        builder.update(weight, with: weight * 2)
        let graph = try builder.finish()
        #expect(try Graph(parsing: graph.text()) == graph && graph.text().contains("below = 3"))
        let loaded = try GraphCompiler(cache: nil).compile(graph).loaded
        let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 1)), state = ProgramState()
        try state.add(loaded.program.parameters, seed: 0)
        func run(_ numbers: [Int32]) -> String {
            message {
                try runner.run(
                    state,
                    ["logits": TensorData(HostTensor(f32(4, 3))), "labels": try TensorData(numbers, shape: [2, 2])])
            }
        }
        #expect(run([0, 1, 7, -1]) == "the input 'labels' of 'step' has 7 at [1, 0]; it must be from 0 to 2")
        #expect(run([0, -1, 0, 0]) == "the input 'labels' of 'step' has -1 at [0, 1]; it must be from 0 to 2")
        #expect(
            run([0, 0, 0, .max]) == "the input 'labels' of 'step' has 2147483647 at [1, 1]; it must be from 0 to 2")
        #expect(try state.read("w").scalar == 1)
        #expect(run([0, 1, 2, 2]) == "no error")
        #expect(try state.read("w").scalar == 2)
    }
}
