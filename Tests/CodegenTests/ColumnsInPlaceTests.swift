import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

/// Windows of images that few rows are multiplied with are read where they lie, without being packed.
struct ColumnsInPlaceTests {
    private static let options = CompilerOptions(products: .generated)

    /// A convolution of images [n, groups · c, height, width] with stride 1; its kernels are [o, c, size, size].
    struct Case: CustomTestStringConvertible {
        var n = 2, groups = 1
        var channels: Int, results: Int, height: Int, width: Int
        var size = 3, padding = 1, dilation = 1

        var testDescription: String {
            "\(n) images of \(groups) x \(channels) x \(height) x \(width), \(results) results, \(size)x\(size) "
                + "with padding \(padding), dilation \(dilation)"
        }

        /// The convolution, and what a network does with it: added to, and without negative numbers.
        func graph(before: (Tensor) -> Tensor = { $0 }) throws -> Graph {
            let (all, o) = (groups * channels, groups * results), reach = (size - 1) * dilation - 2 * padding
            return try functionGraph([
                f32(n, all, height, width), f32(o, channels, size, size), f32(n, o, height - reach, width - reach),
                f32(o, 1, 1),
            ]) { x in
                let y = convolution(
                    before(x[0]), kernel: x[1], stride: [1, 1], padding: [padding, padding],
                    dilation: [dilation, dilation], groups: groups)
                return [relu(y + x[3] + x[2])]
            }
        }
    }

    /// Rows of images as wide as vectors, wider and narrower; tiles of all rows, of some, and last ones of fewer.
    static let cases = [
        Case(channels: 3, results: 8, height: 9, width: 32), Case(channels: 5, results: 3, height: 40, width: 33),
        Case(n: 3, groups: 2, channels: 8, results: 8, height: 28, width: 28),
        Case(n: 1, groups: 3, channels: 6, results: 17, height: 11, width: 50),
        Case(channels: 4, results: 5, height: 12, width: 40, size: 5, padding: 2),
        Case(channels: 4, results: 5, height: 30, width: 34, size: 3, padding: 0, dilation: 2),
        Case(channels: 2, results: 9, height: 35, width: 64, size: 7, padding: 3),
        Case(n: 5, groups: 2, channels: 16, results: 16, height: 17, width: 56),
    ]

    private func tilings(
        _ graph: Graph, _ target: TargetDescription, _ options: CompilerOptions = Self.options
    ) throws -> [MatmulTiling] {
        let tuning = options.tuning ?? Tuning(target)
        return try GraphCompiler(options, target: target, cache: nil).schedule(graph).steps.compactMap { step in
            guard case .kernel(let call) = step.work, case .matmul(let kernel) = call.kernel else { return nil }
            return MatmulTiling(kernel, target, tuning)
        }
    }

    @Test(arguments: TargetLevelTests.levels, cases)
    func equalTheInterpreter(_ level: TargetDescription.Level, _ example: Case) throws {
        let graph = try example.graph(), target = try TargetDescription.host().restricted(to: level)
        #expect(try tilings(graph, target).contains { $0.inPlace != nil }, "\(level)")
        try expectMatchesInterpreter(
            graph, inputs: randomInputs(for: graph, seed: 8), options: Self.options, target: target, cache: sharedCache,
            "\(level)")
    }

    /// Register blocks read all columns of a tile, and nothing beyond, though vectors end elsewhere.
    @Test(arguments: TargetLevelTests.levels, cases)
    func tilesCoverTheirRuns(_ level: TargetDescription.Level, _ example: Case) throws {
        let target = try TargetDescription.host().restricted(to: level)
        for tiling in try tilings(try example.graph(), target) {
            guard let inPlace = tiling.inPlace else { continue }
            let columns = inPlace.columns
            #expect(columns.length == example.width - (example.size - 1) * example.dilation + 2 * example.padding)
            #expect((inPlace.tilesPerGroup - 1) * inPlace.perTile + inPlace.last == columns.runs.count)
            for count in [inPlace.perTile, inPlace.last] {
                let span = columns.span(runs: count), blocks = inPlace.blocks(count, block: tiling.blockColumns)
                #expect(span >= tiling.blockColumns, "the last block begins with the first or later")
                #expect(blocks * tiling.blockColumns >= span && (blocks - 1) * tiling.blockColumns < span)
                #expect(blocks * tiling.blockColumns <= tiling.columnsPerTile)
            }
        }
    }

    /// No page beside the images is touched.
    @Test(arguments: TargetLevelTests.levels, cases)
    func nothingBeyondIsRead(_ level: TargetDescription.Level, _ example: Case) throws {
        let graph = try example.graph { $0 * 0.5 }, inputs = randomInputs(for: graph, seed: 9)
        var compiler = try GraphCompiler(
            Self.options, target: try TargetDescription.host().restricted(to: level), cache: sharedCache)
        compiler.guardsBuffers = true
        let compilation = try compiler.compile(graph)
        let runner = try ProgramRunner(
            compilation.loaded, pool: WorkerPool(threads: 2), guardPages: compiler.plan(graph).memory.guardPages,
            poisons: true)
        let found = try #require(try runner.run(ProgramState(), inputs.mapValues { TensorData($0) })["y0"])
        let expected = try #require(try runInterpreted(graph, inputs: inputs)["y0"])
        #expect(relativeError(found.hostTensor, expected) < 2e-5)
    }

    /// Sums are those of packed columns, bit by bit, on however many threads.
    @Test(arguments: cases)
    func equalPackedColumns(_ example: Case) throws {
        let target = try TargetDescription.host(), graph = try example.graph()
        let inputs = randomInputs(for: graph, seed: 10)
        var tuning = Tuning(target)
        tuning.stripBytes = 1
        let packing = CompilerOptions(products: .generated, tuning: tuning)
        #expect(try tilings(graph, target, packing).allSatisfy { $0.inPlace == nil })
        let packed = try runCompiled(graph, inputs: inputs, options: packing, cache: sharedCache)
        for threads in [1, 3, 16] {
            tuning = Tuning(target)
            tuning.threads = threads
            let options = CompilerOptions(products: .generated, tuning: tuning)
            let found = try runCompiled(
                graph, inputs: inputs, options: options, threads: threads, cache: sharedCache)
            #expect(found["y0"] == packed["y0"], "\(threads) threads")
        }
    }

    /// What many rows are multiplied with, what is read once only, what is computed, and bf16 are packed.
    @Test func othersPackTheirColumns() throws {
        let target = try TargetDescription.host()
        let manyRows = try Case(channels: 3, results: 400, height: 28, width: 56).graph()
        let ofSingleElements = try Case(channels: 40, results: 8, height: 20, width: 36, size: 1, padding: 0).graph()
        let computed = try Case(channels: 3, results: 8, height: 28, width: 56, padding: 0).graph { relu($0) * 2 }
        let some = try Case(channels: 4, results: 8, height: 28, width: 56).graph()
        for graph in [manyRows, ofSingleElements, computed] {
            #expect(try tilings(graph, target).allSatisfy { $0.inPlace == nil })
        }
        let inBFloat16 = CompilerOptions(precision: .bfloat16, products: .generated)
        #expect(try tilings(some, target, inBFloat16).allSatisfy { $0.inPlace == nil })
        #expect(try tilings(some, target).contains { $0.inPlace != nil })
    }
}
