import ApusCodegen
import ApusIR
import ApusLayers
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

/// Generated matmuls at the edges of their tiles and register blocks, with what is computed before and after them
/// inside.
struct GeneratedMatmulTests {
    /// Extents around vectors, register blocks and tiles.
    private static let extents = [1, 2, 13, 14, 15, 31, 32, 33, 97, 800]
    /// Every extent together with every other along each pair of axes.
    static let shapes = extents.indices.flatMap { i in
        extents.indices.map { j in [extents[i], extents[j], extents[(i + j) % extents.count]] }
    }
    .filter { $0.reduce(1, *) <= 400_000 }

    private static let options = CompilerOptions(products: .generated)

    /// The matmul of operands that lie in memory as `layout` says: 1 transposes the left one, 2 the right one.
    private func product(_ x: [Tensor], layout: Int, result: ElementType? = nil) -> Tensor {
        x[0].builder.add(
            Dot(
                leftContracting: [layout & 1 == 0 ? 1 : 0], rightContracting: [layout & 2 == 0 ? 0 : 1], result: result),
            x)
    }

    private func types(_ element: ElementType, _ m: Int, _ n: Int, _ k: Int, layout: Int) -> [TensorType] {
        [
            TensorType(element, layout & 1 == 0 ? [m, k] : [k, m]),
            TensorType(element, layout & 2 == 0 ? [k, n] : [n, k]),
        ]
    }

    /// Numbers of many magnitudes that bf16 holds: their sums depend on the order in which they are added.
    private func manyMagnitudes(_ count: Int, seed: UInt64) -> [Double] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let mantissa = Double(random.integer(128...255)) / 128, exponent = random.integer(-6...6)
            return (random.chance(0.5) ? 1 : -1) * mantissa
                * (exponent < 0 ? 1 / Double(1 << -exponent) : Double(1 << exponent))
        }
    }

    private func inputs(_ types: [TensorType], seed: UInt64 = 5) -> [String: HostTensor] {
        Dictionary(
            uniqueKeysWithValues: types.enumerated().map { number, type in
                ("x\(number)", HostTensor(type, manyMagnitudes(type.count, seed: seed + UInt64(number))))
            })
    }

    // MARK: Shapes

    @Test(arguments: shapes)
    func edges(_ shape: [Int]) throws {
        let (m, n, k) = (shape[0], shape[1], shape[2]), layout = (m + n / 2 + k) % 4
        let types = types(.f32, m, n, k, layout: layout)
        let graph = try functionGraph(types) { x in [product(x, layout: layout)] }
        try expectMatchesInterpreter(
            graph, inputs: inputs(types), options: Self.options, "\(m)x\(n)x\(k), layout \(layout)")
    }

    /// Sums of bf16 products are kept in f32; an odd contracted axis has no partner for its last element.
    @Test(arguments: shapes)
    func edgesInBFloat16(_ shape: [Int]) throws {
        let (m, n, k) = (shape[0], shape[1], shape[2]), layout = (m + n / 2 + k) % 4
        let types = types(.bf16, m, n, k, layout: layout)
        let graph = try functionGraph(types) { x in [product(x, layout: layout, result: .f32)] }
        try expectMatchesInterpreter(
            graph, inputs: inputs(types), options: Self.options, "\(m)x\(n)x\(k), layout \(layout)")
    }

    @Test(arguments: 0..<4, [ElementType.f32, .bf16])
    func everyLayout(_ layout: Int, _ element: ElementType) throws {
        for (m, n, k) in [(14, 33, 32), (97, 31, 14), (1, 40, 18), (40, 1, 18)] {
            let types = types(element, m, n, k, layout: layout)
            let graph = try functionGraph(types) { x in [product(x, layout: layout, result: .f32)] }
            try expectMatchesInterpreter(
                graph, inputs: inputs(types), options: Self.options, "\(m)x\(n)x\(k), layout \(layout)")
        }
    }

    @Test(arguments: 0..<4, [ElementType.f32, .bf16])
    func batches(_ layout: Int, _ element: ElementType) throws {
        let (m, n, k) = (15, 33, 14)
        let matrices = types(element, m, n, k, layout: layout)
        let dot = Dot(
            leftBatch: [0, 1], rightBatch: [1, 0], leftContracting: [layout & 1 == 0 ? 3 : 2],
            rightContracting: [layout & 2 == 0 ? 2 : 3], result: .f32)
        let types = [
            TensorType(element, [3, 2] + matrices[0].shape), TensorType(element, [2, 3] + matrices[1].shape),
        ]
        let graph = try functionGraph(types) { x in [x[0].builder.add(dot, x)] }
        try expectMatchesInterpreter(graph, inputs: inputs(types), options: Self.options, "layout \(layout)")
    }

    /// Matmuls that are divided along the contracted axis.
    @Test(arguments: [4096, 4097, 5000, 9001], [ElementType.f32, .bf16])
    func longContractions(_ k: Int, _ element: ElementType) throws {
        for (m, n, layout) in [(3, 17, 0), (17, 3, 3), (16, 33, 1), (1, 1, 2)] {
            let types = types(element, m, n, k, layout: layout)
            let graph = try functionGraph(types) { x in [product(x, layout: layout, result: .f32)] }
            try expectMatchesInterpreter(
                graph, inputs: inputs(types), options: Self.options, "\(m)x\(n)x\(k), layout \(layout)")
        }
    }

    /// Rows whose distance is a multiple of 4096 bytes are stored with a gap.
    @Test(arguments: [1024, 2048], [ElementType.f32, .bf16])
    func rowsWithGaps(_ width: Int, _ element: ElementType) throws {
        try expectFunction(
            [TensorType(element, [21, width]), TensorType(element, [30, width]), TensorType(element, [width, 10])],
            tolerance: element == .bf16 ? 1e-2 : 2e-5, options: Self.options
        ) { x in
            let stored = (x[0] * x[0]).copied(), other = tanh(x[1]).copied()
            return [
                dot(stored, other, contracting: [(1, 1)]), matmul(stored, x[2]), sum(stored.cast(.f32), axes: [1]),
                matmul(other.transpose([1, 0]), x[1]),
            ]
        }
    }

    // MARK: What comes before and after

    private static let layer = [f32(45, 32), f32(70, 32), f32(70), f32(45, 70)]

    @Test func afterTheMatmul() throws {
        let epilogues: [(String, ([Tensor]) -> [Tensor])] = [
            ("bias", { x in [linear(x[0], weight: x[1], bias: x[2])] }),
            ("GELU", { x in [gelu(linear(x[0], weight: x[1], bias: x[2]))] }),
            (
                "GELU with its input kept",
                { x in
                    let sum = linear(x[0], weight: x[1], bias: x[2])
                    return [gelu(sum), sum]
                }
            ),
            ("residual", { x in [linear(x[0], weight: x[1], bias: x[2]) + x[3]] }),
            (
                "residual that is scaled, and the product itself",
                { x in
                    let product = linear(x[0], weight: x[1])
                    return [product, x[3] - product * 0.5]
                }
            ),
            ("transposed", { x in [(linear(x[0], weight: x[1], bias: x[2]) + x[3]).transpose([1, 0])] }),
            ("of rows", { x in [linear(x[0], weight: x[1]) * sum(x[0], axes: [1], keepAxes: true)] }),
        ]
        for (name, body) in epilogues { try expectFunction(Self.layer, options: Self.options, name, body) }
        try expectFunction(Self.layer, tolerance: 1.0 / 256, options: Self.options, "cast") { x in
            [linear(x[0], weight: x[1], bias: x[2]).cast(.bf16)]
        }
    }

    @Test func beforeTheMatmul() throws {
        let prologues: [(String, ([Tensor]) -> [Tensor])] = [
            (
                "normalisation",
                { x in
                    let normal = layerNormalization(
                        x[0], weight: sum(x[1], axes: [0]) * 0.1, bias: x[1].slice(0..<1, axis: 0).reshape([32]),
                        epsilon: 0.01)
                    return [linear(normal, weight: x[1]), dot(x[3], normal, contracting: [(0, 0)])]
                }
            ),
            (
                "GELU",
                { x in
                    [
                        linear(gelu(x[0]), weight: x[1]), linear(x[0], weight: gelu(x[1])),
                        matmul(gelu(x[3]).transpose([1, 0]), x[0]),
                    ]
                }
            ),
            (
                "scale and bias",
                { x in [matmul(x[3] * 0.5 + x[2], x[1] * 2), matmul((x[3] + x[2]).transpose([1, 0]), x[0])] }
            ),
            ("slices", { x in [linear(x[0].slice(1..<31, axis: 1, step: 2), weight: x[1].slice(3..<18, axis: 1))] }),
        ]
        for (name, body) in prologues { try expectFunction(Self.layer, options: Self.options, name, body) }
        // Rounded while they are packed: the interpreter rounds as well.
        try expectFunction(Self.layer, tolerance: 1e-4, options: Self.options, "cast") { x in
            let low = x.map { $0.cast(.bf16) }
            return [
                product([low[0], low[1]], layout: 2, result: .f32), product([low[3], low[1]], layout: 0, result: .f32),
                product([(x[0] * 0.3).cast(.bf16), (x[1] * 0.7).cast(.bf16)], layout: 2, result: .f32),
            ]
        }
    }

    /// A weight is overwritten by the kernel of its gradient's matmul, tile by tile, and read by other matmuls
    /// before.
    @Test(arguments: [(45, 32, 70), (5, 97, 130), (300, 33, 15)])
    func updatesInPlace(rows: Int, width: Int, outputs: Int) throws {
        for optimizer in [Optimizer.sgd(learningRate: 0.1), .adamW(learningRate: 0.1)] {
            let builder = GraphBuilder(name: "layer")
            let x = builder.input(Input("x", f32(rows, width))), seed = builder.input(Input("seed", f32(rows, outputs)))
            let weight = builder.parameter(Parameter("weight", f32(outputs, width), .zeros))
            builder.output("y", linear(x, weight: weight))
            builder.output("gradient of x", matmul(seed, weight))
            let gradient = dot(seed, x, contracting: [(0, 0)])
            optimizer.appendUpdates(to: builder, [Optimizer.Weight(weight, name: "weight", gradient: gradient)])
            let graph = try builder.finish()
            var inputs = randomInputs(for: graph, seed: 1)
            for (name, value) in ["learning_rate": 0.01, "adam_correction1": 0.1, "adam_correction2": 0.05]
            where inputs[name] != nil {
                inputs[name]?.values = [value]
            }
            let parameters = randomParameters(for: graph, seed: 2).mapValues {
                HostTensor($0.type, $0.values.map { abs($0) + 0.1 })
            }
            try expectMatchesInterpreter(
                graph, inputs: inputs, parameters: parameters, options: Self.options, "\(rows)x\(width)x\(outputs)")
        }
    }

    // MARK: Machines and threads

    /// The matmul [m, k] · [k, n] of bf16 with sums in f32, on a level of this machine.
    private func bfloat16Product(_ shape: [Int], _ level: TargetDescription.Level) throws -> (
        result: HostTensor, inputs: [String: HostTensor]
    ) {
        let types = types(.bf16, shape[0], shape[1], shape[2], layout: 2), inputs = inputs(types)
        let graph = try functionGraph(types) { x in [product(x, layout: 2, result: .f32)] }
        let target = try TargetDescription.host().restricted(to: level)
        let results = try runCompiled(graph, inputs: inputs, options: Self.options, target: target)
        return (try #require(results["y0"]).hostTensor, inputs)
    }

    /// Products of bf16 pairs are added in the order of the processor's own instruction on vectors, on machines that
    /// lack it too.
    @Test(arguments: [[14, 33, 32], [97, 15, 800], [2, 200, 98], [33, 14, 5000]])
    func bfloat16IsTheSameOnEveryMachineWithoutTileRegisters(_ shape: [Int]) throws {
        let levels = TargetLevelTests.levels.filter { $0 != .amx }
        let best = try bfloat16Product(shape, levels[0]).result
        for level in levels.dropFirst() {
            let count = differences(try bfloat16Product(shape, level).result, best)
            #expect(count == 0, "\(level): \(Int(count)) of \(shape[0] * shape[1]) differ")
        }
    }

    /// In tile registers the first and the second numbers of a step's pairs are added up apart, and then to the sum
    /// (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, TDPBF16PS).
    @Test(
        .enabled(if: TargetLevelTests.levels.contains(.amx), "no tile registers"),
        arguments: [
            [1, 1, 2], [14, 33, 32], [97, 15, 800], [2, 200, 98], [33, 14, 3072], [49, 40, 102], [1000, 31, 96],
        ])
    func tileRegistersAddAsTheirManualSays(_ shape: [Int]) throws {
        let (m, n, k) = (shape[0], shape[1], shape[2]), (result, inputs) = try bfloat16Product(shape, .amx)
        let steps = try #require(TileSteps(.bf16, units: k / 2, TargetDescription.host()))
        let (a, b) = (try #require(inputs["x0"]).values, try #require(inputs["x1"]).values)
        var sums: [Double] = []
        for row in 0..<m {
            for column in 0..<n {
                var sum: Float = 0, unit = 0
                while unit < k / 2 {
                    var parts: (Float, Float) = (0, 0), end = min(unit + steps.units, k / 2)
                    for place in unit..<end {
                        func product(_ part: Int, _ sum: Float) -> Float {
                            sum.addingProduct(
                                Float(a[row * k + 2 * place + part]), Float(b[column * k + 2 * place + part]))
                        }
                        parts = (product(0, parts.0), product(1, parts.1))
                    }
                    sum += parts.0 + parts.1
                    swap(&unit, &end)
                }
                sums.append(Double(sum))
            }
        }
        let count = differences(result, HostTensor(result.type, sums))
        #expect(count == 0, "\(Int(count)) of \(m * n) differ")
    }

    @Test(arguments: TargetLevelTests.levels, [ElementType.f32, .bf16])
    func lesserMachines(_ level: TargetDescription.Level, _ element: ElementType) throws {
        let target = try TargetDescription.host().restricted(to: level)
        for (m, n, k, layout) in [(14, 33, 32, 0), (31, 97, 15, 1), (15, 1, 33, 2), (1, 14, 31, 3), (97, 200, 64, 2)] {
            let types = types(element, m, n, k, layout: layout)
            let graph = try functionGraph(types) { x in [product(x, layout: layout, result: .f32)] }
            try expectMatchesInterpreter(
                graph, inputs: inputs(types), options: Self.options, target: target,
                "\(level), \(m)x\(n)x\(k), layout \(layout)")
        }
    }

    private func kernel(_ element: ElementType, _ shape: [Int]) throws -> MatmulKernel {
        let graph = try functionGraph(types(element, shape[0], shape[1], shape[2], layout: 0)) { x in
            [product(x, layout: 0, result: .f32)]
        }
        let kernels = try GraphCompiler(Self.options, cache: nil).schedule(graph).steps
            .compactMap { step -> MatmulKernel? in
                guard case .kernel(let call) = step.work, case .matmul(let kernel) = call.kernel else { return nil }
                return kernel
            }
        return try #require(kernels.first)
    }

    /// All columns belong to a tile; where equal tiles are possible, they are equal, so that two threads end at the
    /// same time.
    @Test(
        arguments: [ElementType.f32, .bf16],
        [[2208, 512, 2048], [800, 768, 3072], [1536, 512, 2208], [800, 2304, 768], [64, 997, 31], [7, 65, 4096]])
    func tilesAreEven(_ element: ElementType, _ shape: [Int]) throws {
        let n = shape[1], kernel = try kernel(element, shape)
        for level in TargetLevelTests.levels {
            let target = try TargetDescription.host().restricted(to: level)
            let tiling = MatmulTiling(kernel, target, Tuning(target))
            #expect(
                tiling.columnTiles * tiling.columnsPerTile >= n && (tiling.columnTiles - 1) * tiling.columnsPerTile < n,
                "\(level)")
            #expect(
                n % 512 != 0 && n % 768 != 0 || tiling.columnTiles * tiling.columnsPerTile == n, "\(level): \(tiling)")
        }
    }

    /// However many threads there are, they end nearly together: with nine equal tiles, two threads would have five
    /// rounds for four and a half.
    @Test(
        arguments: [1, 2, 4, 16, 64], [[4096, 1152, 384], [4096, 384, 1536], [1536, 384, 4096], [800, 2304, 768]])
    func threadsEndTogether(_ threads: Int, _ shape: [Int]) throws {
        let kernel = try kernel(.f32, shape)
        for level in TargetLevelTests.levels {
            let target = try TargetDescription.host().restricted(to: level)
            var tuning = Tuning(target)
            tuning.threads = threads
            let tiling = MatmulTiling(kernel, target, tuning)
            let rounds = (tiling.tiles + threads - 1) / threads
            let computed = rounds * threads * tiling.rowsPerTile * tiling.columnsPerTile
            #expect(Double(computed) < 1.15 * Double(shape[0] * shape[1]), "\(level): \(tiling)")
        }
    }

    /// Few columns and few rows with a long contracted axis are still work for several threads.
    @Test(arguments: [[96, 96, 1088], [96, 192, 1024], [64, 64, 2880]])
    func smallMatmulsAreDivided(_ shape: [Int]) throws {
        let kernel = try kernel(.f32, shape)
        for level in TargetLevelTests.levels {
            let target = try TargetDescription.host().restricted(to: level)
            let tiling = MatmulTiling(kernel, target, Tuning(target))
            #expect(tiling.tiles >= 2 && (tiling.rowTiles - 1) * tiling.rowsPerTile < shape[0], "\(level): \(tiling)")
        }
    }

    /// What a reshape divides and another puts together again is read and written side by side, without arithmetic for
    /// single elements.
    @Test func indicesThatAreWholeAgainAreNotComputed() throws {
        let graph = try functionGraph([f32(40, 3, 4, 4), f32(40, 21)]) { x in
            [dot(x[1], x[0], contracting: [(0, 0)]) * 2]
        }
        let text = try GraphCompiler(Self.options, cache: nil).kernels(graph)
        #expect(text.contains("[48*i0 + i1]") && !text.contains(/\[[^\]]*%/), "\(text)")
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 9), options: Self.options)
    }

    @Test(arguments: [ElementType.f32, .bf16], [[700, 40, 30], [40, 900, 64], [333, 517, 98], [64, 64, 5000]])
    func threads(_ element: ElementType, _ shape: [Int]) throws {
        let types = types(element, shape[0], shape[1], shape[2], layout: 2)
        let graph = try functionGraph(types) { x in [gelu(product(x, layout: 2, result: .f32))] }
        try expectSameBits(graph, inputs: inputs(types), options: Self.options, threads: [2, 5], "\(shape)")
    }
}
