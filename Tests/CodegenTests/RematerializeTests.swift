import ApusCodegen
import ApusIR
import ApusRuntime
import ApusTestSupport
import ApusTransforms
import Testing

/// A limit on memory: parts of the forward pass are computed again, and nothing else changes.
struct RematerializeTests {
    private func bytes(_ compilation: Compilation) -> Int {
        compilation.program.parameterBytes + compilation.program.activationBytes + compilation.program.constants.count
    }

    /// All outputs and parameters after two steps.
    private func results(_ compilation: Compilation, _ graph: Graph) throws -> [String: HostTensor] {
        let runner = try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 2)), state = ProgramState()
        try state.add(compilation.program.parameters, seed: 3)
        var found: [String: HostTensor] = [:]
        for step in 1...2 as ClosedRange<UInt64> {
            var inputs = randomInputs(for: graph, seed: step).mapValues { TensorData($0) }
            for (name, value) in ["learning_rate": 0.01, "adam_correction1": 0.1, "adam_correction2": 0.05]
                as [String: Float] where inputs[name] != nil
            {
                inputs[name] = TensorData(value)
            }
            for (name, output) in try runner.run(state, inputs) { found["\(name) \(step)"] = output.hostTensor }
        }
        for parameter in compilation.program.parameters {
            found[parameter.name] = try state.read(parameter.name).hostTensor
        }
        return found
    }

    @Test(arguments: [CompilerOptions.Precision.float32, .bfloat16])
    func lessMemoryAndTheSameNumbers(_ precision: CompilerOptions.Precision) throws {
        let graph = try transformerStep(batch: 4, tokens: 24, blocks: 4)
        var options = CompilerOptions(precision: precision)
        let whole = try GraphCompiler(options).compile(graph)
        #expect(try !GraphCompiler(options).report(graph).rewrites.contains { $0.pass == "memory-limit" })
        let expected = try results(whole, graph)
        var operations = whole.program.floatingPointOperations
        for share in [0.95, 0.9, 0.8] {
            let limit = whole.program.parameterBytes + Int(Double(whole.program.activationBytes) * share)
            options.memoryLimit = limit
            let smaller = try GraphCompiler(options).compile(graph)
            #expect(bytes(smaller) <= limit)
            #expect(try GraphCompiler(options).report(graph).rewrites.last?.pass == "memory-limit")
            #expect(smaller.program.floatingPointOperations >= operations)
            operations = smaller.program.floatingPointOperations
            let found = try results(smaller, graph)
            for (name, tensor) in expected { #expect(found[name] == tensor, "\(name) at \(share)") }
        }
        #expect(operations > whole.program.floatingPointOperations)
    }

    /// Choices begin with what is no matmul; attention, of many operations for little memory, comes last.
    @Test func theCheapestIsComputedAgainFirst() throws {
        let graph = try GraphCompiler(CompilerOptions(products: .generated)).lowered(
            transformerStep(batch: 2, tokens: 48, blocks: 4, isFused: true))
        let choices = RecomputationPlan(graph).choices
        func counts(_ choice: [RecomputationPlan.Segment]) throws -> (matmuls: Int, attention: Int) {
            let again = try Pass.rematerialize { _ in choice }.run(graph)
            return (
                again.nodes.count { $0.operation is Dot } - graph.nodes.count { $0.operation is Dot },
                again.nodes.count { $0.operation is Attention } - graph.nodes.count { $0.operation is Attention }
            )
        }
        let found = try choices.map(counts)
        #expect(found.first?.matmuls == 0 && found.first?.attention == 0)
        #expect(found.contains { $0.matmuls >= 8 && $0.attention == 0 })
        let withAttention = try #require(found.firstIndex { $0.attention > 0 })
        #expect(found[..<withAttention].map(\.matmuls) == found[..<withAttention].map(\.matmuls).sorted())
    }

    @Test func aLimitThatCannotBeMet() throws {
        let graph = try transformerStep(batch: 4, tokens: 24, blocks: 4)
        let whole = try GraphCompiler().compile(graph)
        do {
            _ = try GraphCompiler(CompilerOptions(memoryLimit: whole.program.parameterBytes)).compile(graph)
            Issue.record("parameters alone fill the limit")
        } catch let error as MemoryLimitError {
            #expect(error.limit == whole.program.parameterBytes)
            #expect(error.smallest > error.limit && error.smallest < bytes(whole))
        }
    }

    /// Recomputation on random graphs keeps their results.
    @Test(arguments: 5000..<5060 as Range<UInt64>)
    func randomGraphs(seed: UInt64) throws {
        let graph = try Pass.rematerialize.run(
            GraphCompiler(CompilerOptions(products: .generated)).lowered(RandomGraph(seed: seed).graph))
        try expectMatchesInterpreter(
            graph, inputs: randomInputs(for: graph, seed: seed), parameters: randomParameters(for: graph, seed: seed),
            tolerance: 2e-4, by: largestError,
            "seed \(seed)")
    }
}
