import ApusCodegen
import ApusIR
import ApusLayers
import ApusTestSupport
import Testing

/// What becomes one kernel, and what needs none.
struct FusionTests {
    /// Steps of a schedule by kind: matmuls, sorts, and all other kernels by name.
    private struct Steps {
        var kernels: [String] = []
        var matmuls = 0, sorts = 0

        init(_ graph: Graph, _ products: CompilerOptions.Products) throws {
            let compiler = try GraphCompiler(CompilerOptions(products: products), cache: nil)
            for step in try compiler.schedule(graph).steps {
                switch step.work {
                case .kernel(let call):
                    if case .matmul = call.kernel { self.matmuls += 1 } else { kernels.append(step.name) }
                case .matmul: self.matmuls += 1
                case .sort: sorts += 1
                case .begin, .finish: break
                }
            }
        }
    }

    private func expectKernels(
        _ count: Int, matmuls: Int = 0, by maker: CompilerOptions.Products = .generated, _ types: [TensorType],
        sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: ([Tensor]) -> [Tensor]
    ) throws {
        let steps = try Steps(functionGraph(types, body), maker)
        #expect(steps.kernels.count == count, "\(maker): \(steps.kernels)", sourceLocation: sourceLocation)
        #expect(steps.matmuls == matmuls, "\(maker)", sourceLocation: sourceLocation)
        #expect(steps.sorts == 0, sourceLocation: sourceLocation)
    }

    @Test func oneKernelEach() throws {
        try expectKernels(1, [f32(8, 197, 64), f32(64), f32(64)]) { x in
            [layerNormalization(x[0], weight: x[1], bias: x[2], epsilon: 1e-6)]
        }
        try expectKernels(1, [f32(8, 197, 64)]) { x in [softmax(x[0] * 0.125)] }
        try expectKernels(1, [f32(8, 197, 64)]) { x in [logSoftmax(x[0])] }
        try expectKernels(1, [f32(8, 197, 64)]) { x in [gelu(x[0])] }
        try expectKernels(1, [f32(8, 197, 64), f32(64)]) { x in [silu(relu(x[0] + x[1]))] }
        try expectKernels(1, [f32(8, 197, 64), f32(197, 64), i32(8, 50)]) { x in [gather(x[0] + x[1], x[2], batch: 1)] }
    }

    /// A view costs nothing where it is read, and a concatenation of computed parts nothing where they are written.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func viewsNeedNoKernels(products: CompilerOptions.Products) throws {
        try expectKernels(0, matmuls: 1, by: products, [f32(6, 20), f32(8, 10)]) { x in
            [matmul(x[0].slice(5..<15, axis: 1), x[1].transpose([1, 0]))]
        }
        try expectKernels(2, [f32(4, 5), f32(4, 7)]) { x in [concatenate([exp(x[0]), tanh(x[1])], axis: 1)] }
        try expectKernels(0, matmuls: 2, by: products, [f32(4, 5), f32(5, 3), f32(5, 2)]) { x in
            [concatenate([matmul(x[0], x[1]), matmul(x[0], x[2])], axis: 1)]
        }
    }

    /// Bias and residual belong to the kernel of their matmul; the library needs one more for both.
    @Test func biasAndResidual() throws {
        for (products, kernels) in [(CompilerOptions.Products.generated, 0), (.openblas, 1)] {
            try expectKernels(kernels, matmuls: 1, by: products, [f32(50, 32), f32(64, 32), f32(64), f32(50, 64)]) {
                x in
                [linear(x[0], weight: x[1], bias: x[2]) + x[3]]
            }
        }
        // The next normalisation needs whole rows: it is a kernel of its own after generated matmuls, and joins the
        // library's.
        for products in [CompilerOptions.Products.generated, .openblas] {
            try expectKernels(1, matmuls: 1, by: products, [f32(50, 32), f32(64, 32), f32(64), f32(50, 64)]) { x in
                let sum = linear(x[0], weight: x[1], bias: x[2]) + x[3]
                return [sum, layerNormalization(sum, weight: x[2], bias: x[2], epsilon: 1e-6)]
            }
        }
    }

    /// A perceptron is two kernels: bias and GELU belong to the first matmul, whether or not its own result is kept
    /// for the backward pass.
    @Test(arguments: [false, true])
    func perceptron(keepsSums: Bool) throws {
        let types = [f32(50, 32), f32(128, 32), f32(128), f32(32, 128), f32(32)]
        func body(_ x: [Tensor]) -> [Tensor] {
            let hidden = linear(x[0], weight: x[1], bias: x[2])
            return [linear(gelu(hidden), weight: x[3], bias: x[4]) + x[0]] + (keepsSums ? [hidden] : [])
        }
        try expectKernels(0, matmuls: 2, types, body)
        try expectKernels(2, matmuls: 2, by: .openblas, types, body)
    }

    /// Queries, keys and values are read where the matmul has left them, and heads are written side by side: no
    /// copies.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func attentionNeedsNoCopies(products: CompilerOptions.Products) throws {
        let builder = GraphBuilder(name: "attention")
        func input(_ name: String, _ shape: Int...) -> Tensor { builder.input(Input(name, TensorType(.f32, shape))) }
        let x = input("x", 2, 50, 24), qkv = input("qkv", 72, 24), bias = input("bias", 72),
            proj = input("proj", 24, 24)
        func steps(_ mixed: Tensor) throws -> Steps {
            let extended = GraphBuilder(extending: builder.graph)
            extended.output("y", linear(extended.tensor(mixed.value), weight: extended.tensor(proj.value)))
            return try Steps(extended.finish(), products)
        }
        let plain = try steps(attention(x, heads: 3, weight: qkv, bias: nil))
        #expect(plain.matmuls == 4)
        #expect(plain.kernels.count == 1, "softmax alone: \(plain.kernels)")
        // The bias is added on the way, by the library's matmuls to each of the three.
        let biased = try steps(attention(x, heads: 3, weight: qkv, bias: bias))
        #expect(biased.matmuls == 4)
        #expect(biased.kernels.count <= (products == .generated ? 2 : 4), "\(biased.kernels)")
    }

    @Test(arguments: [1, 3])
    func optimizerUpdatesAreOneKernelForEachWeight(weights: Int) throws {
        let builder = GraphBuilder(name: "update")
        let list = (0..<weights).map { number in
            let type = f32(16 + number, 8)
            return Optimizer.Weight(
                builder.parameter(Parameter("w\(number)", type, .zeros)), name: "w\(number)",
                gradient: builder.input(Input("g\(number)", type)))
        }
        Optimizer.adamW(learningRate: 0.1).appendUpdates(to: builder, list)
        let schedule = try schedule(builder.finish())
        let large = schedule.steps.filter { step in
            if case .kernel(let call) = step.work { call.count * call.elementsPerUnit > 1 } else { true }
        }
        #expect(large.count == weights, "\(schedule.steps.map(\.name))")
        // Nothing but a few scalars is in the arena: the updates are written in place.
        let buffers = schedule.layout.buffers
        let arena = Set(schedule.steps.flatMap(\.buffers)).filter {
            buffers[$0].kind == .arena && buffers[$0].byteCount > 64
        }
        #expect(arena.isEmpty)
    }

    /// A linear layer's weight is updated by the kernel of its gradient's matmul: the gradient is never stored.
    @Test func updatesNeedNoGradients() throws {
        let (rows, width, outputs) = (4, 96, 160)
        let builder = GraphBuilder(name: "layer")
        let x = builder.input(Input("x", f32(rows, width))), seed = builder.input(Input("seed", f32(rows, outputs)))
        let weight = builder.parameter(Parameter("weight", f32(outputs, width), .zeros))
        let gradient = dot(seed, x, contracting: [(0, 0)])
        Optimizer.adamW(learningRate: 0.1).appendUpdates(
            to: builder, [Optimizer.Weight(weight, name: "weight", gradient: gradient)])
        let graph = try builder.finish(), bytes = outputs * width * 4
        func memory(_ products: CompilerOptions.Products) throws -> MemoryReport {
            try GraphCompiler(CompilerOptions(products: products), cache: nil).report(graph).memory
        }
        let generated = try memory(.generated)
        #expect(generated.arenaBytes < bytes / 4, "\(generated.text())")
        #expect(!generated.buffers.contains { $0.byteCount >= bytes })
        #expect(try memory(.openblas).buffers.contains { $0.byteCount >= bytes })
        let steps = try Steps(graph, .generated)
        #expect(steps.matmuls == 1)
    }

    @Test func kernelsAsText() throws {
        let graph = try functionGraph([f32(4, 6)]) { x in [sum(x[0] * 2, axes: [1])] }
        let text = try GraphCompiler().kernels(graph)
        #expect(
            text == """
                0: reduce = kernel_0 on b0, b1

                kernel_0: rows [0,6] (a0: f32, a1: f32)
                  %0 = a0[6*i0 + i1] : f32
                  %1 = constant 2.0 : f32
                  %2 = multiply %0, %1 : f32
                  %3 = reduce.sum %2 : f32
                  a1[i0] = %3

                """)
        #expect(try GraphCompiler().llvm(graph).contains("kernel_0"))
        #expect(try GraphCompiler().assembly(graph).contains("kernel_0"))
    }

    /// The same graph gives the same text every time.
    @Test(arguments: 4000..<4010 as Range<UInt64>)
    func textFollowsFromTheGraph(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph, compiler = try GraphCompiler()
        #expect(try compiler.kernels(graph) == compiler.kernels(graph), "seed \(seed)")
    }
}
