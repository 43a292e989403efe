import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import ApusTransforms
import Glibc
import Testing

/// Programs that add up over ranks, compared with the interpreter's graphs side by side.
struct RankTests {
    /// A step of two layers whose gradients, in one piece and in parts, are added up before the weights follow them.
    private static func step() throws -> Graph {
        let builder = GraphBuilder(name: "step")
        let x = builder.input(Input("x", f32(9, 17)))
        let first = builder.parameter(Parameter("first", f32(17, 33), .normal(deviation: 0.3)))
        let second = builder.parameter(Parameter("second", f32(33, 5), .normal(deviation: 0.3)))
        let y = matmul(gelu(matmul(x, first)), second)
        let loss = mean(y * y)
        builder.output("loss", loss)
        let forward = try builder.finish()
        let whole = try differentiate(forward, loss: loss.value, withRespectTo: [first.value, second.value])
        let rest = GraphBuilder(extending: whole.graph)
        let gradients = try whole.gradients.map { rest.tensor(try #require($0)) }
        let bucket = allReduce(concatenate(gradients.map { $0.reshape([-1]) }, axis: 0))
        var place = 0
        for (weight, gradient) in zip([first, second], gradients) {
            let part = bucket.slice(place..<place + gradient.type.count, axis: 0)
            place += gradient.type.count
            let old = rest.tensor(weight.value)
            rest.update(old, with: old - part.reshape(gradient.shape) * 0.1)
        }
        rest.output("total", allReduce(rest.tensor(loss.value)))
        return try rest.finish()
    }

    private static func bindings(_ graph: Graph, rank: Int) -> Interpreter.Bindings {
        Interpreter.Bindings(
            inputs: randomInputs(for: graph, seed: UInt64(rank)), parameters: randomParameters(for: graph, seed: 7))
    }

    /// Runs a graph on ranks that are threads; the results by rank, updates under `update NAME`.
    private static func compiled(_ graph: Graph, ranks: Int, threads: Int = 1) throws -> [[String: HostTensor]] {
        let loaded = try GraphCompiler(cache: sharedCache).compile(graph).loaded
        return try ThreadRanks.run(ranks) { communicator in
            let bindings = bindings(graph, rank: communicator.rank), state = ProgramState()
            try state.add(loaded.program.parameters, seed: 0)
            for (name, value) in bindings.parameters { try state.write(name, TensorData(value)) }
            let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: threads), communicator: communicator)
            var results = try runner.run(state, bindings.inputs.mapValues { TensorData($0) }).mapValues(\.hostTensor)
            for name in bindings.parameters.keys { results["update \(name)"] = try state.read(name).hostTensor }
            return results
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func matchesGraphsSideBySide(ranks: Int) throws {
        let graph = try Self.step()
        let expected = try Interpreter().run(graph, ranks: (0..<ranks).map { Self.bindings(graph, rank: $0) })
        for (rank, (found, outcome)) in zip(try Self.compiled(graph, ranks: ranks), expected).enumerated() {
            for (name, value) in outcome.outputs {
                #expect(relativeError(try #require(found[name]), value) < 2e-5, "\(name) of rank \(rank) of \(ranks)")
            }
            for (name, value) in outcome.updates {
                let error = relativeError(try #require(found["update \(name)"]), value)
                #expect(error < 2e-5, "\(name) of rank \(rank) of \(ranks)")
            }
        }
    }

    /// Ranks get parts of a sum, of what is written in place, in pieces, and of an input; and give parts to each other.
    private static func parts(ranks: Int) throws -> Graph {
        let builder = GraphBuilder(name: "parts")
        let x = builder.input(Input("x", f32(ranks, 5))), y = builder.input(Input("y", f32(ranks, 3, 7)))
        let part = reduceScatter(concatenate([exp(x), (y * 2).reshape([ranks, 21])], axis: 1))
        let other = reduceScatter(x)
        let own = concatenate([part.slice(3..<20, axis: 0), other * part.slice(0..<5, axis: 0)], axis: 0)
        builder.output("all", -allGather(own, ranks: ranks))
        builder.output("inputs", allGather(y, ranks: ranks))
        builder.output("part", part)
        builder.output("other", sqrt(other * other) + exp(x).slice(0..<1, axis: 0).reshape([5]))
        return try builder.finish()
    }

    @Test(arguments: [1, 2, 3, 4])
    func partsMatchGraphsSideBySide(ranks: Int) throws {
        let graph = try Self.parts(ranks: ranks)
        let expected = try Interpreter().run(graph, ranks: (0..<ranks).map { Self.bindings(graph, rank: $0) })
        for (rank, (found, outcome)) in zip(try Self.compiled(graph, ranks: ranks), expected).enumerated() {
            for (name, value) in outcome.outputs {
                #expect(relativeError(try #require(found[name]), value) < 2e-5, "\(name) of rank \(rank) of \(ranks)")
            }
        }
        let collectives = try GraphCompiler(cache: sharedCache).compile(graph).program.collectives
        #expect(
            collectives.map(\.type.count).sorted() == [5 * ranks, 21 * ranks * ranks, 22 * ranks, 26 * ranks].sorted())
    }

    @Test func everyRankHasTheSameBits() throws {
        let results = try Self.compiled(Self.step(), ranks: 3, threads: 2)
        for name in ["total", "update first", "update second"] {
            #expect(results[0][name] == results[1][name] && results[0][name] == results[2][name], "\(name)")
        }
        #expect(results[0]["loss"] != results[1]["loss"])
    }

    /// What is added up is written in place, sums begin as soon as that is there, and there is work while they are
    /// under way.
    @Test func stepsInOrder() throws {
        let schedule = try CodegenTests.schedule(Self.step()), names = schedule.steps.map(\.name)
        let begins = names.indices.filter { names[$0].hasPrefix("begin all_reduce") },
            ends = names.indices.filter { names[$0].hasPrefix("finish all_reduce") }
        #expect(begins.count == 2 && ends.count == 2, "\(names)")
        // The loss is known before the gradients, which are computed meanwhile.
        #expect(ends[0] - begins[0] > 3, "\(names)")
        for (end, begin) in zip(ends, begins) { #expect(names[end].hasSuffix(names[begin].suffix(1)), "\(names)") }
        // No copies into the bucket: a concatenation that is written in place is no step.
        #expect(!names.contains { $0.hasPrefix("reshape") || $0.hasPrefix("dot") }, "\(names)")
    }

    @Test func isRefusedWithoutRanks() throws {
        let compilation = try GraphCompiler(cache: sharedCache).compile(Self.step())
        #expect(compilation.program.collectives.map(\.type.count) == [1, 17 * 33 + 33 * 5])
        let error = #expect(throws: RuntimeError.self) {
            try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 1))
        }
        #expect(error?.code == .communication)
        #expect(
            error?.message
                == "'step' works together with other ranks; run it with a communicator, or compile it without one")
        let refusal = #expect(throws: ProgramFileError.self) { try compilation.file.encoded() }
        #expect(
            refusal?.description
                == "step: it works together with other ranks (\(compilation.program.collectives[0])), which programs in files and libraries "
                + "cannot; compile it without a communicator")
    }

    @Test func partsForOtherRanksAreRefused() throws {
        let loaded = try GraphCompiler(cache: sharedCache).compile(Self.parts(ranks: 3)).loaded
        let error = #expect(throws: RuntimeError.self) {
            _ = try ThreadRanks.run(2) { communicator in
                try ProgramRunner(loaded, pool: WorkerPool(threads: 1), communicator: communicator).program.name
            }
        }
        #expect(
            error?.message.hasSuffix("and there are 2: trace it for as many") == true, "\(String(describing: error))")
        #expect(error?.message.hasPrefix("'parts' is for 3 ranks (") == true)
    }

    /// Where a sum fails, another that is under way keeps its memory, since another rank may still write there.
    @Test func memoryOfAFailedSumStays() throws {
        let graph = try Self.step(), loaded = try GraphCompiler(cache: sharedCache).compile(graph).loaded
        let failing = FailingRank(), bindings = Self.bindings(graph, rank: 0)
        do {
            let state = ProgramState()
            try state.add(loaded.program.parameters, seed: 0)
            let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 1), communicator: failing)
            #expect(throws: RuntimeError.self) {
                try runner.run(state, bindings.inputs.mapValues { TensorData($0) })
            }
        }
        #expect(failing.memory.count == 2)
        for memory in failing.memory {
            // The page is there.
            let page = UInt(bitPattern: memory.baseAddress!) & ~UInt(4095)
            var isResident: UInt8 = 0
            #expect(mincore(UnsafeMutableRawPointer(bitPattern: page), 1, &isResident) == 0)
        }
    }

    /// Random graphs in which sums stand between values: nothing touches their memory while they are under way.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func randomGraphs(seed: UInt64) throws {
        let graph = try Self.addingSums(to: RandomGraph(seed: seed).graph, every: 2 + Int(seed % 5))
        let comparison = Comparison()
        let verdict = comparison.verdict(on: graph) { graph, inputs, parameters in
            let loaded = try GraphCompiler(cache: sharedCache).compile(graph).loaded, state = ProgramState()
            try state.add(loaded.program.parameters, seed: 0)
            for (name, value) in parameters { try state.write(name, TensorData(value)) }
            let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 2), communicator: TakingRank())
            return try runner.run(state, inputs.mapValues { TensorData($0) }).mapValues(\.hostTensor)
        }
        if case .different(let failure) = verdict { Issue.record("seed \(seed): \(failure)") }
    }

    /// The graph with sums over ranks behind some of its values.
    private static func addingSums(to graph: Graph, every period: Int) throws -> Graph {
        let builder = GraphBuilder(name: graph.name)
        var mapped: [Tensor] = []
        for (index, node) in graph.nodes.enumerated() {
            let tensor = builder.append(
                Node(node.operation, node.operands.map { mapped[$0.index].value }, node.type, location: node.location))
            let isSummed = index % period == 0 && (node.type.element == .f32 || node.type.element == .bf16)
            guard isSummed else {
                mapped.append(tensor)
                continue
            }
            // Of one rank alone, whose part is the whole.
            let shape = tensor.shape
            switch index / period % 3 {
            case 0: mapped.append(allReduce(tensor))
            case 1: mapped.append(reduceScatter(tensor.reshape([1] + shape)))
            default: mapped.append(allGather(tensor, ranks: 1).reshape(shape))
            }
        }
        for result in graph.results {
            if case .output(let name) = result.kind { builder.output(name, mapped[result.value.index]) }
        }
        return try builder.finish()
    }
}

/// The only rank, which takes what is added up away while the sum is under way, and leaves something else in its place.
private final class TakingRank: Communicator, @unchecked Sendable {  // one program's thread uses it
    let rank = 0, count = 1, localCount = 1
    private var open: [(memory: UnsafeMutableRawBufferPointer, content: [UInt8])] = []

    func begin(_ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType) {
        open.append((elements, Array(elements)))
        for index in elements.indices { elements[index] = 0xff }
    }

    func finish() {
        let (memory, content) = open.removeFirst()
        #expect(memory.allSatisfy { $0 == 0xff }, "somebody has written where a sum is under way")
        memory.copyBytes(from: content)
    }
}

/// A rank whose sums do not come to their end.
private final class FailingRank: Communicator, @unchecked Sendable {  // one program's thread uses it
    let rank = 0, count = 2, localCount = 2
    private(set) var memory: [UnsafeMutableRawBufferPointer] = []

    func begin(_ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType) {
        memory.append(elements)
    }
    func finish() throws(RuntimeError) { throw RuntimeError(.otherRank, "rank 1 has failed") }
}
