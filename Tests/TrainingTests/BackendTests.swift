import Apus
import ApusIR
import ApusLLVM
import Testing

/// The interpreter as a back end: no passes, no code, no arena.
private struct InterpreterBackend: Backend {
    let tuning: Tuning, build: BuildDescription
    let pipeline = Pipeline([])

    init() throws {
        tuning = Tuning(try .host())
        build = try GraphCompiler().build
    }

    func emit(_ graph: Graph, recording timings: inout [(stage: String, seconds: Double)]) throws -> Compilation {
        func binding(_ name: String, _ value: ApusIR.Value) -> Program.Binding {
            Program.Binding(name: name, type: graph[value].type, location: Location(.arena))
        }
        let program = Program(
            name: graph.name, steps: [], inputs: graph.inputs.map { binding($0.operation.name, $0.value) },
            outputs: graph.results.compactMap {
                if case .output(let name) = $0.kind { binding(name, $0.value) } else { nil }
            },
            parameters: graph.parameters.map(\.operation), updates: [], arenaBytes: 0, scratchBytes: 0,
            constants: [])
        return Compilation(
            program: program, loaded: try LoadedProgram(program, NoKernels()),
            code: CodeImage(bytes: [], functions: [:]), target: try .host(),
            source: graph, isCached: false)
    }

    func report(_ graph: Graph) -> CompilationReport {
        CompilationReport(rewrites: [], memory: MemoryReport(buffers: [], arenaBytes: 0))
    }

    func executable(
        _ compilation: Compilation, pool: WorkerPool, communicator: (any Communicator)?
    ) -> any Executable { InterpretedProgram(compilation) }

    private struct NoKernels: KernelLibrary {
        func function(of symbol: String) throws -> KernelFunction { throw RuntimeError(.name, "there is no \(symbol)") }
    }
}

private final class InterpretedProgram: Executable {
    let program: Program
    private let graph: Graph

    init(_ compilation: Compilation) { (program, graph) = (compilation.program, compilation.source) }

    func run(
        _ state: ProgramState, _ inputs: [String: TensorData], observe: ((StepRun) -> Void)?
    ) throws(RuntimeError) -> [String: TensorData] {
        var parameters: [String: HostTensor] = [:]
        for parameter in program.parameters { parameters[parameter.name] = try state.read(parameter.name).hostTensor }
        let outcome: Interpreter.Outcome
        do {
            outcome = try Interpreter().run(graph, inputs: inputs.mapValues(\.hostTensor), parameters: parameters)
        } catch {
            throw RuntimeError(.name, "\(error)")
        }
        for (name, value) in outcome.updates { try state.write(name, TensorData(value)) }
        return outcome.outputs.mapValues { TensorData($0) }
    }
}

/// Everything above a back end works with another one.
struct BackendTests {
    @Test func trainingGivesTheSameNumbers() throws {
        let step = TrainingStep(optimizer: .adamW(learningRate: 0.05, weightDecay: 0.1)) {
            let labels = Input("labels", [4], .int32)
            let logits = Sequential {
                Linear(6, 17)
                GELU()
                LayerNorm(17)
                Linear(17, 3)
            }(Input("x", [4, 6]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
        let compilers = [try Compiler(threads: 2), Compiler(threads: 1, backend: try InterpreterBackend())]
        let programs = try compilers.map { try $0.compile(step) }
        let states = try programs.map { try $0.makeState(seed: 4) }
        for run in 0..<5 {
            let numbers = (0..<24).map { Float(($0 * 7 + run * 13) % 31) / 8 - 2 }
            let inputs = [
                "x": try TensorData(numbers, shape: [4, 6]),
                "labels": try TensorData((0..<4).map { Int32(($0 + run) % 3) }),
            ]
            let reports = try zip(programs, states).map { try $0.run($1, inputs) }
            #expect(abs(reports[0].loss - reports[1].loss) < 1e-5, "run \(run)")
            #expect(reports[0]["accuracy"] == reports[1]["accuracy"])
        }
        #expect(states.map(\.step) == [5, 5] && states[0].names == states[1].names)
        for name in states[0].names {
            let (a, b) = (try states[0].read(name).hostTensor.values, try states[1].read(name).hostTensor.values)
            #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 * (1 + abs($1)) }, "\(name)")
        }
        #expect(programs[1].compilation.program.steps.isEmpty && !programs[0].compilation.program.steps.isEmpty)
    }
}
