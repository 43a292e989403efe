import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

/// What depends on weights alone is computed once for many runs, and anew when the weights are others.
struct PreparationTests {
    /// y = x · tanh(w) · w, whose first factor is stored, and whose operands are packed.
    private func graph(updating: Bool = false) throws -> Graph {
        let builder = GraphBuilder(name: "prepared")
        let x = builder.input(Input("x", f32(3, 64)))
        let w = builder.parameter(Parameter("w", f32(64, 64), .normal(deviation: 0.1)))
        let y = matmul(matmul(x, softmax(w)), w)
        builder.output("y", y)
        if updating { builder.update(w, with: w * 0.5) }
        return try builder.finish()
    }

    private let x = HostTensor(f32(3, 64), (0..<192).map { Double($0 % 7) - 3 })

    private func numbers(_ scale: Double) -> HostTensor {
        HostTensor(f32(64, 64), (0..<4096).map { scale * Double($0 * 37 % 101) / 100 })
    }

    private func compiled(_ graph: Graph, _ options: CompilerOptions = CompilerOptions(products: .generated)) throws
        -> LoadedProgram
    {
        try GraphCompiler(options, cache: nil).compile(graph).loaded
    }

    private func expect(
        _ runner: ProgramRunner, _ state: ProgramState, gives weights: HostTensor, steps: Int,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        var count = 0
        let y = try #require(try runner.run(state, ["x": TensorData(x)]) { _ in count += 1 }["y"])
        let expected = try Interpreter().run(graph(), inputs: ["x": x], parameters: ["w": weights]).outputs["y"]
        let error = relativeError(y.hostTensor, try #require(expected))
        #expect(error < 2e-5, "differs by \(error)", sourceLocation: sourceLocation)
        #expect(count == steps, sourceLocation: sourceLocation)
    }

    @Test func othersAreComputedWhenWeightsChange() throws {
        let loaded = try compiled(graph()), program = loaded.program, all = program.steps.count
        let rest = all - program.preparationCount
        try #require(program.preparationCount >= 3 && rest == 2, "\(program)")
        let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 2))
        let first = ProgramState(), second = ProgramState()
        for (state, scale) in [(first, 1.0), (second, -2)] {
            try state.add(program.parameters, seed: 1)
            try state.write("w", TensorData(numbers(scale)))
        }
        try expect(runner, first, gives: numbers(1), steps: all)
        try expect(runner, first, gives: numbers(1), steps: rest)
        try expect(runner, second, gives: numbers(-2), steps: all)
        try expect(runner, first, gives: numbers(1), steps: all)
        try first.write("w", TensorData(numbers(3)))
        try expect(runner, first, gives: numbers(3), steps: all)
        try expect(runner, first, gives: numbers(3), steps: rest)
        // Reading is no change.
        _ = try first.read("w")
        try expect(runner, first, gives: numbers(3), steps: rest)

        let training = try ProgramRunner(compiled(graph(updating: true)), pool: WorkerPool(threads: 2))
        try training.run(first, ["x": TensorData(x)])
        try expect(runner, first, gives: numbers(1.5), steps: all)
        try expect(runner, first, gives: numbers(1.5), steps: rest)
    }

    /// What an update changes is computed in each run; what a limit allows no memory for, too.
    @Test func nothingIsPrepared() throws {
        #expect(try compiled(graph(updating: true)).program.preparationCount == 0)
        let limited = CompilerOptions(products: .generated, memoryLimit: 1 << 20)
        #expect(try compiled(graph(), limited).program.preparationCount == 0)
    }

    /// A sum over ranks is added up in place of what each has: computed once, that would be summed again in each run.
    @Test func sumsOverRanksAreComputedInEachRun() throws {
        let builder = GraphBuilder(name: "sums")
        let x = builder.input(Input("x", f32(3, 64)))
        let w = builder.parameter(Parameter("w", f32(64, 64), .constant(0.25)))
        builder.output("y", matmul(x, allReduce(softmax(w) + 1)))
        let loaded = try compiled(builder.finish())
        #expect(loaded.program.preparationCount == 0)
    }

    /// Who changes weights while a run is observed changes those of the next one.
    @Test func weightsMayChangeDuringARun() throws {
        let loaded = try compiled(graph()), runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 2))
        let state = ProgramState()
        try state.add(loaded.program.parameters, seed: 1)
        try state.write("w", TensorData(numbers(1)))
        var isChanged = false
        try runner.run(state, ["x": TensorData(x)]) { _ in
            if !isChanged { #expect(throws: Never.self) { try state.write("w", TensorData(numbers(2))) } }
            isChanged = true
        }
        try expect(runner, state, gives: numbers(2), steps: loaded.program.steps.count)
    }

    @Test func programsThatPrepareWhatTheyChangeAreRefused() throws {
        var program = try compiled(graph()).program
        #expect(program.problem == nil)
        program.preparationCount = program.steps.count + 1
        #expect(program.problem?.contains("steps run once") == true)
        program.preparationCount = program.steps.count
        #expect(program.problem?.contains("depends on more than parameters") == true)
        var updating = try compiled(graph(updating: true)).program
        updating.preparationCount = 1
        #expect(updating.problem?.contains("a run changes 1 parameters") == true)
    }
}
