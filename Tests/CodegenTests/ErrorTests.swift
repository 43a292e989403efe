import ApusCodegen
import ApusIR
import ApusRuntime
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

    private func product() throws -> Program {
        let builder = GraphBuilder(name: "product")
        let x = builder.input(Input("x", f32(2, 3))), y = builder.input(Input("y", i32(2)))
        builder.output("z", matmul(gather(x, y), builder.parameter(Parameter("w", f32(3, 4), .zeros))))
        return try GraphCompiler(cache: nil).compile(try builder.finish()).program
    }

    @Test func inputs() throws {
        let program = try product(), runner = try ProgramRunner(program, pool: WorkerPool(threads: 1)),
            state = ProgramState()
        try state.add(program.parameters, seed: 0)
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
        let program = try product(), runner = try ProgramRunner(program, pool: WorkerPool(threads: 1)),
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
        let graph = try functionGraph([f32(1 << 22, 1), f32(1, 1 << 22)]) { x in [exp(x[0] + x[1]), matmul(x[0], x[1])]
        }
        let program = try GraphCompiler(cache: nil).compile(graph).program
        #expect(program.arenaBytes > 1 << 46)
        let error = #expect(throws: RuntimeError.self) { try ProgramRunner(program, pool: WorkerPool(threads: 1)) }
        #expect(error?.code == .outOfMemory)
    }
}
