import ApusCodegen
import ApusIR
import ApusTestSupport
import Testing

/// Kernels that move elements: by index, by order, or by place. None of them rounds.
struct IndexingKernelTests {
    /// Indices from −3 to 60 are clamped to the rows.
    @Test(arguments: oddExtents)
    func gathers(extent: Int) throws {
        try expectFunction([f32(extent), i32(9)], tolerance: 0, by: differences) { x in [gather(x[0], x[1])] }
        try expectFunction([f32(11, extent), i32(5)], tolerance: 0, by: differences) { x in [gather(x[0], x[1])] }
        try expectFunction([f32(3, 40, extent), i32(3, 2, 4)], tolerance: 0, by: differences) { x in
            [gather(x[0], x[1], batch: 1), gather(x[0].transpose([0, 2, 1]), x[1], batch: 1)]
        }
        try expectFunction([f32(2, 3, extent), i32(2, 3, 7)], tolerance: 0, by: differences) { x in
            [gather(x[0], x[1], batch: 2)]
        }
        try expectFunction([i32(extent), i32(4, extent)], tolerance: 0, by: differences) { x in [gather(x[0], x[1])] }
    }

    @Test(arguments: oddExtents.prefix(6))
    func interpolations(extent: Int) throws {
        try expectFunction([f32(2, 5, extent)]) { x in
            [1, 2].flatMap { axis in
                [1, extent, 2 * extent + 1].map {
                    x[0].builder.add(Interpolation(axis: axis, size: $0, rule: .alignedCorners), [x[0]])
                }
            }
        }
    }

    /// Channels around the width of a vector, larger and equal sizes, and what is computed before and after.
    @Test(arguments: [(1, 1), (3, 17), (16, 32), (33, 5)], [(8, 10), (4, 5), (7, 9)])
    func upsampledConvolutions(_ channels: (input: Int, output: Int), _ size: (height: Int, width: Int)) throws {
        try expectFunction([
            f32(2, 4, 5, channels.input), f32(channels.output, channels.input, 3, 3), f32(channels.output),
        ]) { x in
            let y = upsampledConvolution2D(relu(x[0]), kernel: x[1], height: size.height, width: size.width) + x[2]
            return [y, mean(y, axes: [0, 1, 2]), relu(y).transpose([0, 3, 1, 2])]
        }
    }

    @Test func gathersOfWhatIsComputed() throws {
        try expectFunction([f32(20, 17), i32(6), i32(4)]) { x in
            let rows = gather(tanh(x[0] * 2) + 1, x[1])
            return [
                rows, gather(gather(x[0], x[1]), gather(x[1], x[2])), sum(gather(x[0], x[1]) * 2, axes: [0]),
                sum(rows, axes: [1]),
            ]
        }
        try expectFunction([f32(8, 6), i32(5), i32(3)]) { x in
            [
                gather(gather(x[0].transpose([1, 0]), x[2]), x[1] - 40),
                matmul(gather(x[0], x[1]), x[0].transpose([1, 0])),
            ]
        }
    }

    @Test(arguments: oddExtents)
    func scatters(extent: Int) throws {
        try expectFunction([f32(9, extent), i32(9)]) { x in
            [scatterAdd(x[0], at: x[1], rows: 5), scatterAdd(x[0] * 2, at: x[1] * 0, rows: 3)]
        }
        try expectFunction([f32(extent), i32(extent)]) { x in [scatterAdd(x[0], at: x[1], rows: 7)] }
        try expectFunction([f32(3, 4, extent), i32(3, 4)]) { x in
            [
                scatterAdd(x[0], at: x[1], rows: 6, batch: 1), scatterAdd(x[0], at: x[1], rows: 2, batch: 2),
                scatterAdd(x[0], at: x[1], rows: 17),
            ]
        }
        try expectFunction([f32(2, 5, 3, extent), i32(2, 5)]) { x in
            [scatterAdd(x[0].transpose([0, 1, 2, 3]) + 1, at: x[1], rows: 4, batch: 1)]
        }
    }

    @Test(arguments: oddExtents)
    func sorts(extent: Int) throws {
        try expectFunction([f32(3, extent)], tolerance: 0, by: differences) { x in
            [argsort(x[0]), argsort(-x[0]), argsort(floor(x[0]))]
        }
        try expectFunction([f32(1, extent)], tolerance: 0, by: differences) { x in [argsort(x[0])] }
        var values = (0..<2 * extent).map { Double($0 * 7 % 5) }
        for (place, special) in [Double.nan, .infinity, -.infinity, -0.0, 0, .nan, .infinity].enumerated()
        where 3 * place < values.count {
            values[3 * place] = special
        }
        try expectFunction([f32(2, extent)], values: [0: values], tolerance: 0, by: differences) { x in [argsort(x[0])]
        }
        try expectFunction([bf16(extent), f32(extent, 4)], tolerance: 0, by: differences) { x in
            [argsort(x[0]), argsort(x[1].transpose([1, 0]))]
        }
    }

    @Test(arguments: oddExtents)
    func concatenations(extent: Int) throws {
        try expectFunction([f32(3, extent), f32(3, 5)], tolerance: 0, by: differences) { x in
            [
                concatenate([x[0], x[1]], axis: 1), concatenate([x[1], x[0], x[1]], axis: 1),
                concatenate([x[0], x[0]], axis: 0),
            ]
        }
        try expectFunction([f32(3, extent), f32(3, 5)], tolerance: 0, by: differences) { x in
            // Written in place, as views, twice, and again inside another.
            let inner = concatenate([x[0] * 2, -x[1]], axis: 1)
            return [
                concatenate([inner, x[1].slice(1..<4, axis: 1), x[0]], axis: 1),
                concatenate([x[1].transpose([1, 0]), x[0].transpose([1, 0]) * 4], axis: 0),
            ]
        }
        try expectFunction([TensorType(.bool, [extent]), TensorType(.bool, [2])], tolerance: 0, by: differences) { x in
            [concatenate([x[0], x[1]], axis: 0)]
        }
        try expectFunction([bf16(2, extent), bf16(2, 1)], tolerance: 0, by: differences) { x in
            [concatenate([x[0], x[1]], axis: 1)]
        }
    }

    /// Copies of one source to equal shapes share the pass over it, but those in another order of axes, which are
    /// transposed in registers.
    @Test func copiesShareAPass() throws {
        let phases = try functionGraph([f32(40, 64)]) { x in
            (0..<4).map { (x[0].slice($0..<64, axis: 1, step: 4) * 2).copied() }
        }
        let columns = try functionGraph([f32(40, 64)]) { x in
            (0..<2).map { x[0].slice(32 * $0..<32 * $0 + 32, axis: 1).transpose([1, 0]).copied() }
        }
        let many = try functionGraph([f32(3, 60)]) { x in
            (0..<20).map { x[0].slice($0..<60, axis: 1, step: 20).copied() }
        }
        for (graph, steps, isTransposed) in [(phases, 1, false), (columns, 2, true), (many, 2, false)] {
            let compiler = try GraphCompiler(CompilerOptions(), cache: nil)
            #expect(try compiler.schedule(graph).steps.count == steps)
            #expect(try compiler.kernels(graph).contains("transposed ") == isTransposed)
            try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 2), options: CompilerOptions())
        }
    }

    /// Matmuls are written into a concatenation at once, also transposed, and reductions are.
    @Test(arguments: [1, 3, 17])
    func concatenationsOfMatmuls(extent: Int) throws {
        try expectFunction([f32(5, 4), f32(4, extent), f32(5, 2)]) { x in
            [
                concatenate([matmul(x[0], x[1]), x[2]], axis: 1),
                concatenate([matmul(x[0], x[1]).transpose([1, 0]), x[2].transpose([1, 0])], axis: 0),
            ]
        }
        try expectFunction([f32(2, 3, 4), f32(2, 4, extent), f32(2, 1, extent)]) { x in
            [
                concatenate([matmul(x[0], x[1]), exp(x[2])], axis: 1),
                concatenate([x[2].transpose([2, 1, 0]), matmul(x[0], x[1]).transpose([2, 1, 0])], axis: 1),
            ]
        }
        try expectFunction([f32(6, extent), f32(6)]) { x in
            [concatenate([sum(exp(x[0]), axes: [1]), exp(x[1]), sum(x[0], axes: [0])], axis: 0)]
        }
        // Heads side by side.
        try expectFunction([f32(4, extent), f32(extent, 3), f32(extent, 2)]) { x in
            let both = concatenate([matmul(x[0], x[1]), matmul(x[0], x[2])], axis: 1)
            return [tanh(both) * both, matmul(both.transpose([1, 0]), x[0])]
        }
    }

    @Test(arguments: oddExtents)
    func slicesAndPads(extent: Int) throws {
        try expectFunction([f32(7, extent)], tolerance: 0, by: differences) { x in
            let middle = x[0].slice(extent / 3..<extent, axis: 1)
            return [
                middle, x[0].slice(0..<extent, axis: 1, step: 3), x[0].slice(1..<7, axis: 0, step: 2) * 2,
                x[0].padded(low: [1, 2], high: [0, 3]), x[0].padded(low: [0, 1], high: [2, 0], interior: [1, 2]),
                middle.padded(low: [0, extent / 3], high: [0, 0]) + x[0],
                (x[0] * 2).padded(low: [0, 0], high: [0, 0], interior: [0, 1]),
            ]
        }
        try expectFunction([i32(extent), TensorType(.bool, [extent])], tolerance: 0, by: differences) { x in
            [x[0].padded(low: [3], high: [1]), x[1].padded(low: [1], high: [0], interior: [1])]
        }
        try expectFunction([f32(2, 3, extent)]) { x in
            [
                sum(x[0].padded(low: [1, 0, 2], high: [0, 1, 1]), axes: [2]),
                sum(x[0].padded(low: [1, 0, 2], high: [0, 1, 1]), axes: [0, 1]),
            ]
        }
    }

    /// Every order of four axes, read and computed.
    @Test func transposes() throws {
        for permutation in permutations(4) {
            for shape in [[2, 3, 5, 17], [1, 4, 1, 33], [3, 1, 16, 2]] {
                try expectFunction(
                    [TensorType(.f32, shape)], tolerance: 0, by: differences, "\(permutation) of \(shape)"
                ) { x in
                    let moved = x[0].transpose(permutation)
                    return [moved, moved.transpose(permutation) * 2, moved.reshape([moved.type.count]) + 1]
                }
            }
        }
    }

    @Test func reshapesAcrossGroups() throws {
        let shapes = [
            [4, 6, 10], [24, 10], [10, 24], [5, 48], [3, 2, 2, 20], [240], [16, 15], [15, 1, 16], [2, 120], [8, 30],
        ]
        for from in shapes {
            for to in shapes where to != from {
                try expectFunction([TensorType(.f32, from), TensorType(.f32, to)], "\(from) to \(to)") { x in
                    let transposed = x[0].transpose(Array(from.indices.reversed()))
                    return [
                        transposed.reshape(to) + x[1], softmax(transposed.reshape(to) * x[1]),
                        sum(transposed.reshape(to), axes: [0]),
                    ]
                }
            }
        }
    }

    @Test func numbersOfTheProgram() throws {
        let table = (0..<3 * 37).map { Double($0 % 29) / 8 - 1 }
        try expectFunction([f32(3, 37)], tolerance: 0, by: differences) { x in
            let builder = x[0].builder
            func constant(_ element: ElementType, _ shape: [Int], _ values: [Double]) -> Tensor {
                builder.add(Constant(TensorType(element, shape), values: values), [])
            }
            func iota(_ element: ElementType, _ shape: [Int], _ axis: Int) -> Tensor {
                builder.add(Iota(TensorType(element, shape), axis: axis), [])
            }
            let values = constant(.f32, [3, 37], table)
            return [
                values, values.transpose([1, 0]) * 2, x[0] + values,
                gather(values, constant(.i32, [5], [2, 0, 7, -1, 1])),
                select(constant(.bool, [37], (0..<37).map { Double($0 % 2) }).broadcast(to: [3, 37]), x[0], values),
                constant(.bf16, [3], [1, -2.5, 0.125]), constant(.i32, [2], [-2_147_483_648, 2_147_483_647]),
                values.constant(2.5, shape: [4]),
                iota(.i32, [3, 37], 1), iota(.f32, [3, 37], 0), iota(.bf16, [9, 2], 0),
                iota(.i32, [2, 3, 4], 1).transpose([2, 1, 0]),
                x[0] * iota(.f32, [3, 37], 1),
            ]
        }
    }

    /// Random numbers are those of the definition, bit for bit, wherever they are computed.
    @Test(arguments: oddExtents, [[0, 0], [1, -1], [-2_147_483_648, 2_147_483_647]] as [[Double]])
    func randomNumbers(extent: Int, key: [Double]) throws {
        try expectFunction([i32(2)], values: [0: key], tolerance: 0, by: differences, "key \(key), \(extent)") { x in
            let numbers = randomUniform([3, extent], key: x[0], stream: 7)
            return [
                numbers, numbers.transpose([1, 0]), randomUniform([extent], key: x[0], stream: Int(UInt32.max)),
                argsort(numbers),
            ]
        }
    }
}

/// All orders of `count` axes.
func permutations(_ count: Int) -> [[Int]] {
    if count == 0 { return [[]] }
    return permutations(count - 1).flatMap { shorter in
        (0..<count).map { place in
            var longer = shorter
            longer.insert(count - 1, at: place)
            return longer
        }
    }
}
