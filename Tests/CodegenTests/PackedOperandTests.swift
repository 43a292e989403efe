import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

/// Operands that several matmuls share are packed once, and read where they lie.
struct PackedOperandTests {
    private static let options = CompilerOptions(products: .generated)

    /// States that go through the same weights again and again, as in a recurrent layer: `layout` 0 has weights
    /// [in, out], 1 [out, in], and 2 takes both ways in turn.
    private func recurrent(
        _ steps: Int, rows: Int, width: Int, layout: Int, _ element: ElementType = .f32
    ) throws -> Graph {
        try functionGraph([TensorType(element, [rows, width]), TensorType(element, [width, width])]) { x in
            var state = x[0], states: [Tensor] = []
            for step in 0..<steps {
                let product = Dot(
                    leftContracting: [1], rightContracting: [layout == 2 ? step % 2 : layout], result: .f32)
                state = tanh(state.builder.add(product, [state, x[1]]) * 0.2).cast(element)
                states.append(state)
            }
            return states
        }
    }

    private func matmuls(_ graph: Graph, _ target: TargetDescription) throws -> [MatmulTiling] {
        let compiler = try GraphCompiler(Self.options, target: target, cache: nil)
        return try compiler.schedule(graph).steps.compactMap { step in
            guard case .kernel(let call) = step.work, case .matmul(let kernel) = call.kernel else { return nil }
            return MatmulTiling(kernel, target, Tuning(target))
        }
    }

    @Test(arguments: TargetLevelTests.levels, [(0, ElementType.f32), (1, .f32), (2, .f32), (0, .bf16), (1, .bf16)])
    func equalTheInterpreter(_ level: TargetDescription.Level, _ form: (layout: Int, element: ElementType)) throws {
        let target = try TargetDescription.host().restricted(to: level), (layout, element) = form
        for (rows, width) in [(1, 64), (5, 32), (33, 96), (16, 256)] {
            let graph = try recurrent(6, rows: rows, width: width, layout: layout, element)
            let packed = try matmuls(graph, target).filter { $0.packedBefore != nil }.count
            #expect(packed == (width > 2 * target.lanes() ? 6 : 0), "\(level), \(rows)x\(width)")
            try expectMatchesInterpreter(
                graph, inputs: randomInputs(for: graph, seed: 3), tolerance: element == .bf16 ? 1e-2 : 2e-5,
                options: Self.options, target: target,
                "\(level), \(element), \(rows)x\(width), layout \(layout)")
        }
    }

    /// What few matmuls read, what has a part of a block left, and what is multiplied by many rows is packed by each.
    @Test(arguments: [(2, 4, 0), (6, 4, 8), (6, 900, 0)] as [(Int, Int, Int)])
    func othersPackTheirOperands(_ steps: Int, _ rows: Int, _ more: Int) throws {
        let target = try TargetDescription.host(), width = 4 * target.lanes() + more
        let graph = try recurrent(steps, rows: rows, width: width, layout: 0)
        #expect(try matmuls(graph, target).allSatisfy { $0.packedBefore == nil })
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 4), options: Self.options)
    }

    /// An operand that a graph itself holds in blocks is read in place too, wherever it begins.
    @Test(arguments: 0..<3)
    func blocksBeginAnywhere(_ start: Int) throws {
        let lanes = try TargetDescription.host().lanes(), columns = 2 * lanes, k = 7
        let graph = try functionGraph([f32(5, k), f32(start + 3 * k * columns + 1)]) { x in
            let blocks = x[1].slice(start..<start + 3 * k * columns, axis: 0).reshape([3, k, columns])
            return [matmul(x[0], blocks.transpose([1, 0, 2]).reshape([k, 3 * columns]))]
        }
        #expect(try matmuls(graph, .host()).allSatisfy { $0.packedBefore?.columns == columns })
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 5), options: Self.options)
    }
}
