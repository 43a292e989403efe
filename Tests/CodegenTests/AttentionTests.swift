import ApusCodegen
import ApusIR
import ApusLLVM
import ApusTestSupport
import ApusTransforms
import Testing

/// Attention as one kernel, forward and backward, against the interpreter.
struct AttentionTests {
    /// Queries, keys, columns of keys, columns of values.
    private static let shapes = [
        [1, 1, 1, 1], [3, 5, 4, 6], [17, 33, 16, 16], [50, 50, 64, 64], [65, 65, 24, 24], [88, 138, 32, 32],
        [230, 197, 20, 40],
    ]

    private func outputs(_ x: [Tensor], scale: Double) -> [Tensor] {
        let result = attention(x[0], x[1], x[2], scale: scale)
        return [result]
            + [.queries, .keys, .values].map {
                AttentionGradient(scale: scale, part: $0).of(Array(x[..<3]), result: result, seed: x[3])
            }
    }

    @Test(arguments: shapes)
    func matchesTheInterpreter(_ shape: [Int]) throws {
        let (n, m, d, e) = (shape[0], shape[1], shape[2], shape[3])
        try expectFunction([f32(2, n, d), f32(2, m, d), f32(2, m, e), f32(2, n, e)]) { x in outputs(x, scale: 0.3) }
    }

    /// With operands in bf16 the shares are rounded to it as well.
    @Test(arguments: shapes)
    func matchesTheInterpreterInBFloat16(_ shape: [Int]) throws {
        let (n, m, d, e) = (shape[0], shape[1], shape[2], shape[3])
        try expectFunction([bf16(2, n, d), bf16(2, m, d), bf16(2, m, e), bf16(2, n, e)], tolerance: 1e-2) { x in
            outputs(x, scale: 0.3)
        }
    }

    /// A mask for scores [2, n, m]: of the same shape, or repeated along some axes.
    enum MaskShape: CaseIterable {
        case none, whole, eachBatch, keys, queries, one

        func shape(_ n: Int, _ m: Int) -> [Int] {
            switch self {
            case .none: []
            case .whole: [2, n, m]
            case .eachBatch: [2, 1, m]
            case .keys: [1, n, m]
            case .queries: [2, n, 1]
            case .one: [1, 1, 1]
            }
        }
    }

    /// All masks, with and without order, fewer queries than keys and more, and more keys than a block has.
    @Test(
        arguments: [ElementType.f32, .bf16, .bool],
        [
            [1, 1, 2, 2], [5, 3, 4, 6], [17, 33, 16, 8], [40, 23, 8, 24], [70, 70, 8, 16], [3, 530, 8, 4],
            [140, 1100, 4, 2], [300, 300, 4, 2],
        ])
    func masks(_ element: ElementType, _ shape: [Int]) throws {
        let (n, m, d, e) = (shape[0], shape[1], shape[2], shape[3])
        for isCausal in [false, true] {
            for mask in MaskShape.allCases where mask != .none || element == .f32 {
                let scores = AttentionScores(scale: 0.3, isCausal: isCausal)
                for type in [ElementType.f32, .bf16] where type == .f32 || (d + e) % 2 == 0 {
                    let matrices = [[2, n, d], [2, m, d], [2, m, e], [2, n, e]].map { TensorType(type, $0) }
                    let types = matrices + (mask == .none ? [] : [TensorType(element, mask.shape(n, m))])
                    try expectFunction(types, tolerance: type == .f32 ? 2e-5 : 1e-2, "\(scores) \(mask) of \(types)") {
                        x in
                        let operands = Array(x[..<3] + x.dropFirst(4)),
                            result = x[0].builder.add(Attention(scores), operands)
                        // Of the result as it is stored: the interpreter rounds where it is told to.
                        let stored = result.cast(.f32).cast(type)
                        return [result, x[0].builder.add(AttentionLogSum(scores), operands)]
                            + [.queries, .keys, .values].map {
                                AttentionGradient(scores, part: $0).of(operands, result: stored, seed: x[3])
                            }
                    }
                }
            }
        }
    }

    /// Dropout, with and without order and masks, all keys at once and in blocks: forward and backward drop the same.
    /// What is kept is doubled, which is exact: where a query attends to one key, its gradient is a difference of equal
    /// numbers.
    @Test(arguments: [
        [1, 1, 2, 2], [5, 3, 4, 6], [17, 33, 16, 8], [70, 70, 8, 16], [3, 530, 8, 4], [140, 1100, 4, 2],
    ])
    func dropout(_ shape: [Int]) throws {
        let (n, m, d, e) = (shape[0], shape[1], shape[2], shape[3])
        for (isCausal, mask) in [(false, nil), (true, nil), (false, [2, 1, m]), (true, [1, n, m])] as [(Bool, [Int]?)] {
            for type in [ElementType.f32, .bf16] {
                let scores = AttentionScores(
                    scale: 0.3, isCausal: isCausal, dropout: AttentionDropout(keep: 0.5, stream: 77))
                let matrices = [[2, n, d], [2, m, d], [2, m, e], [2, n, e]].map { TensorType(type, $0) }
                let types = matrices + (mask.map { [TensorType(.bool, $0)] } ?? []) + [TensorType(.i32, [2])]
                try expectFunction(
                    types, values: [types.count - 1: [12345, -7]], tolerance: type == .f32 ? 2e-5 : 1e-2,
                    "\(scores) of \(types)"
                ) { x in
                    let operands = Array(x[..<3] + x[4...]), result = x[0].builder.add(Attention(scores), operands)
                    let stored = result.cast(.f32).cast(type)
                    return [result, x[0].builder.add(AttentionLogSum(scores), operands)]
                        + [.queries, .keys, .values].map {
                            AttentionGradient(scores, part: $0).of(operands, result: stored, seed: x[3])
                        }
                }
            }
        }
    }

    /// Layers that draw from streams of their own share a kernel, and drop different probabilities.
    @Test func streamsShareAKernel() throws {
        let matrix = f32(2, 20, 4)
        let graph = try functionGraph([matrix, matrix, matrix, TensorType(.i32, [2])]) { x in
            (1...3).map { stream in
                attention(
                    x[0], x[1], x[2], scale: 0.5,
                    dropout: (AttentionDropout(keep: 0.5, stream: 1_000_000_000 * stream), x[3]))
            }
        }
        let kernels = try schedule(graph).steps.compactMap { step -> GeneratedKernel? in
            guard case .kernel(let call) = step.work, case .attention = call.kernel else { return nil }
            return call.kernel
        }
        #expect(kernels.count == 3 && Set(kernels).count == 1)
        let results = try runCompiled(graph, inputs: randomInputs(for: graph, seed: 2))
        #expect(Set(results.values.map(\.floats)).count == 3)
    }

    /// Heads of keys that several heads of queries share are read where they lie, whether they are inputs or come out
    /// of a projection with a bias: nothing is stored with the axes of repeated heads but the result.
    @Test(arguments: CompilerOptions.Precision.allCases, [false, true])
    func sharedHeadsAreNotRepeated(_ precision: CompilerOptions.Precision, isProjected: Bool) throws {
        let (batch, tokens, groups, size, dim) = (2, 37, 3, 4, 8), extents = [size, 1, 1].map { $0 * groups * dim }
        let width = extents.reduce(0, +), joint = f32(batch, tokens, width)
        let types = isProjected ? [f32(batch, tokens, 16), f32(width, 16), f32(width)] : [joint]
        let options = CompilerOptions(precision: precision, products: .generated)
        func result(_ x: [Tensor]) -> [Tensor] {
            let joint = isProjected ? linear(x[0], weight: x[1] * 0.1, bias: x[2]) : x[0]
            var start = 0
            let heads = extents.map { extent -> Tensor in
                defer { start += extent }
                return joint.slice(start..<start + extent, axis: 2)
                    .reshape([batch, tokens, groups, extent / groups / dim, dim])
                    .broadcast(to: [batch, tokens, groups, size, dim]).transpose([0, 2, 3, 1, 4])
            }
            return [attention(heads[0], heads[1], heads[2], scale: 0.3)]
        }
        try expectFunction(types, tolerance: precision == .float32 ? 2e-5 : 2e-2, options: options) { result($0) }
        let schedule = try GraphCompiler(options, cache: nil).schedule(functionGraph(types, result))
        let results = schedule.graph.results.map(\.value)
        let stored = schedule.graph.values.filter {
            schedule.placement.isStored($0) && schedule.graph[$0].type.rank == 5
        }
        #expect(
            stored.allSatisfy { schedule.placement[$0] == .attention || results.contains($0) } && !stored.isEmpty,
            "\(schedule)")
    }

    /// Gradients of attention that differ in nothing but what the scores are times, or in their order, stay apart.
    @Test func gradientsOfOtherScores() throws {
        try expectFunction([f32(2, 6, 4), f32(2, 6, 4), f32(2, 6, 4), f32(2, 6, 4)]) { x in
            [AttentionScores(scale: 0.5), AttentionScores(scale: 2), AttentionScores(scale: 2, isCausal: true)].flatMap
            {
                scores in
                let result = x[0].builder.add(Attention(scores), Array(x[..<3]))
                return [.queries, .keys, .values].map {
                    AttentionGradient(scores, part: $0).of(Array(x[..<3]), result: result, seed: x[3])
                }
            }
        }
    }

    /// A query that may attend to nothing gets zeros, and has no gradient; −∞ in a mask of numbers forbids.
    @Test(arguments: [ElementType.f32, .bool], [7, 600])
    func nothingToAttendTo(_ element: ElementType, keys m: Int) throws {
        let n = 5, forbidden = element == .bool ? 0 : -Double.infinity
        let mask = (0..<n).flatMap { query in (0..<m).map { key in query == 2 || key % 3 == 1 ? forbidden : 1 } }
        let types = [f32(1, n, 4), f32(1, m, 4), f32(1, m, 6), f32(1, n, 6), TensorType(element, [1, n, m])]
        try expectFunction(types, values: [4: mask]) { x in
            let scores = AttentionScores(scale: 0.5)
            let operands = [x[0], x[1], x[2], x[4]], result = x[0].builder.add(Attention(scores), operands)
            return [result, x[0].builder.add(AttentionLogSum(scores), operands)]
                + [.queries, .keys, .values].map {
                    AttentionGradient(scores, part: $0).of(operands, result: result, seed: x[3])
                }
        }
    }

    /// What a thread needs grows with the length of a sequence, not with its square.
    @Test func memoryGrowsWithTheLength() throws {
        let target = try TargetDescription.host()
        func bytes(_ length: Int, isForward: Bool) throws -> Int {
            let matrices = [TensorType](repeating: f32(1, length, 64), count: isForward ? 3 : 4)
            let graph = try functionGraph(matrices) { x in
                isForward ? [attention(x[0], x[1], x[2], scale: 1)] : Array(outputs(x, scale: 1).dropFirst())
            }
            let tilings = try schedule(graph).steps.compactMap { step -> AttentionTiling? in
                guard case .kernel(let call) = step.work, case .attention(let kernel) = call.kernel else { return nil }
                return AttentionTiling(kernel, target, Tuning(target))
            }
            return try #require(tilings.first).scratchBytes
        }
        for isForward in [true, false] {
            let short = try bytes(8192, isForward: isForward), long = try bytes(8 * 8192, isForward: isForward)
            #expect(long <= 9 * short && short < 64 << 20, "\(short), \(long)")
        }
    }

    /// Keys behind a query are skipped, in whole register blocks: what is NaN there does not come into its sums.
    @Test func laterKeysAreSkipped() throws {
        let n = 100, d = 4,
            graph = try functionGraph([f32(1, n, d), f32(1, n, d), f32(1, n, d)]) { x in
                [attention(x[0], x[1], x[2], scale: 0.5, isCausal: true)]
            }
        var inputs = randomInputs(for: graph, seed: 1)
        for place in 80 * d..<n * d { inputs["x2"]?.values[place] = .nan }
        let result = try #require(try runCompiled(graph, inputs: inputs)["y0"])
        #expect(result.floats.prefix(48 * d).allSatisfy(\.isFinite) && result.floats.suffix(d).allSatisfy(\.isNaN))
    }

    /// Log-sums alone, with all keys at once and in blocks.
    @Test(arguments: [33, 1100]) func logSumsAlone(keys m: Int) throws {
        try expectFunction([f32(2, 18, 8), f32(2, m, 8), f32(2, m, 6)]) { x in
            [x[0].builder.add(AttentionLogSum(AttentionScores(scale: 0.5)), x)]
        }
    }

    /// Log-sums that the backward pass asks for come out of the kernel of the forward pass.
    @Test func logSumsOfTheForwardPass() throws {
        let graph = try functionGraph([f32(2, 18, 8), f32(2, 21, 8), f32(2, 21, 6), f32(2, 18, 6)]) { x in
            outputs(x, scale: 0.3)
        }
        let kernels = try schedule(graph).steps.compactMap { step -> [AttentionKernel.Quantity]? in
            guard case .kernel(let call) = step.work, case .attention(let kernel) = call.kernel else { return nil }
            return kernel.results.map(\.quantity)
        }
        #expect(
            kernels == [[.value, .logSum], [.gradient(.queries), .gradient(.keys), .gradient(.values)]], "\(kernels)")
    }

    /// Each gradient alone, and two of them.
    @Test func someGradients() throws {
        for parts in [[.queries], [.keys], [.values], [.queries, .values], [.keys, .values]]
            as [[AttentionGradient.Part]]
        {
            try expectFunction([f32(3, 18, 8), f32(3, 21, 8), f32(3, 21, 6), f32(3, 18, 6)], "\(parts)") { x in
                let result = attention(x[0], x[1], x[2], scale: 0.5)
                return parts.map {
                    AttentionGradient(scale: 0.5, part: $0).of(Array(x[..<3]), result: result, seed: x[3])
                }
            }
        }
    }

    /// A matmul that attention cannot read as a view is stored, and then written otherwise: its own operands must be
    /// readable in the end.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func readsAProductThroughViews(products: CompilerOptions.Products) throws {
        let head = f32(1, 2, 3, 1)
        try expectFunction([head, head, head, f32(2, 2), f32()], options: CompilerOptions(products: products)) { x in
            let product = matmul(x[4].broadcast(to: [1, 3, 2]), x[3])
            let seed = product.reshape([1, 3, 2, 1]).transpose([0, 2, 1, 3])
            let result = attention(x[0], x[1], x[2], scale: 0.5)
            return [AttentionGradient(scale: 0.5, part: .queries).of(Array(x[..<3]), result: result, seed: seed)]
        }
    }

    /// Heads are read and written in place: slices of one tensor, several batch axes, results joined again.
    @Test func headsInPlace() throws {
        let (batch, tokens, heads, dim) = (2, 19, 3, 8)
        try expectFunction([f32(batch, tokens, 3 * heads * dim), f32(3 * heads * dim)]) { x in
            let parts = (0..<3).map { part in
                (x[0] + x[1]).slice(part * heads * dim..<(part + 1) * heads * dim, axis: 2).reshape([
                    batch, tokens, heads, dim,
                ]).transpose([0, 2, 1, 3])
            }
            return [
                attention(parts[0], parts[1], parts[2], scale: 0.25).transpose([0, 2, 1, 3]).reshape([
                    batch, tokens, heads * dim,
                ])
            ]
        }
    }

    /// Scores beyond the range of exp, and rows in which one share is all.
    ///
    /// Inputs are multiples of 1/64, so scores are multiples of 1/16 below 2^12 here: f32 holds them exactly, and the
    /// shares are as exact as for small ones.
    @Test func largeScores() throws {
        let types = [f32(1, 20, 4), f32(1, 37, 4), f32(1, 37, 4), f32(1, 20, 4)], scale = 256.0
        try expectFunction(types) { x in Array(outputs(x, scale: scale).prefix(1)) }
        // Where one probability is 1, the gradients of scores are differences of equal numbers: they are as exact as
        // the terms, of up to 16 times a key of 2 times the scale, allow.
        let terms = 16 * 2 * scale
        try expectFunction(
            types, tolerance: 2e-7, by: { zip($0.values, $1.values).map { abs($0 - $1) / terms }.max() ?? 0 }
        ) { x in Array(outputs(x, scale: scale).dropFirst()) }
    }

    @Test(arguments: (try? TargetDescription.host().availableLevels) ?? [])
    func lesserMachines(_ level: TargetDescription.Level) throws {
        let target = try TargetDescription.host().restricted(to: level)
        try expectFunction([f32(2, 19, 8), f32(2, 21, 8), f32(2, 21, 12), f32(2, 19, 12)], target: target) { x in
            outputs(x, scale: 0.3)
        }
        try expectFunction(
            [bf16(2, 19, 8), bf16(2, 21, 8), bf16(2, 21, 12), bf16(2, 19, 12)], tolerance: 1e-2, target: target
        ) { x in outputs(x, scale: 0.3) }
        // In order, and with a last block of keys that ends in the middle of a register block.
        try expectFunction(
            [bf16(1, 300, 4), bf16(1, 300, 4), bf16(1, 300, 2), bf16(1, 300, 2)], tolerance: 1e-2, target: target
        ) { x in
            let scores = AttentionScores(scale: 0.3, isCausal: true), operands = Array(x[..<3])
            let stored = x[0].builder.add(Attention(scores), operands).cast(.f32).cast(.bf16)
            return [.queries, .keys, .values].map {
                AttentionGradient(scores, part: $0).of(operands, result: stored, seed: x[3])
            }
        }
    }

    /// What lies beyond the last key, up to the end of a register block or of a step, is nothing: infinite values of
    /// that key stay infinite.
    @Test(arguments: TargetLevelTests.levels, [21, 33])
    func infiniteValuesOfTheLastKey(_ level: TargetDescription.Level, _ keys: Int) throws {
        let types = [bf16(1, 5, 4), bf16(1, keys, 4), bf16(1, keys, 2)]
        let graph = try functionGraph(types) { x in [attention(x[0], x[1], x[2], scale: 0.3)] }
        var inputs = randomInputs(for: graph, seed: 1)
        inputs["x2"]?.values[2 * keys - 1] = .infinity
        let target = try TargetDescription.host().restricted(to: level)
        let result = try #require(runCompiled(graph, inputs: inputs, target: target)["y0"]).hostTensor.values
        for (number, value) in result.enumerated() {
            #expect(number % 2 == 0 ? value.isFinite : value == .infinity, "\(number): \(value)")
        }
    }

    /// Why attention is made of its parts, where there is no kernel for it.
    @Test func reasonsForNoKernel() throws {
        func notes(
            _ types: [TensorType], _ options: CompilerOptions = CompilerOptions(), _ body: ([Tensor]) -> [Tensor]
        ) throws -> [String] {
            let plan = try GraphCompiler(options, cache: nil).plan(functionGraph(types, body))
            return plan.rewrites.filter { !$0.isDone }.map { "\($0.pass): \($0.note)" }
        }
        func forward(_ x: [Tensor]) -> [Tensor] { [attention(x[0], x[1], x[2], scale: 0.5)] }
        let stored = "the matrix of probabilities is stored"
        let wide = [f32(1, 3, 320), f32(1, 5, 320), f32(1, 5, 8), f32(1, 3, 8)]
        // Three gradients that were written at one place have one reason, beside that of the attention.
        for (part, count) in [(0..<1, 1), (1..<4, 2)] {
            let found = try notes(wide) { Array(outputs($0, scale: 0.3)[part]) }
            let reason = "decompose: attention has no kernel for heads of 320 columns, more than 256: \(stored)"
            #expect(found == [String](repeating: reason, count: count), "\(found)")
        }
        let odd = [7, 8].map { f32(1, 5, $0) } + [f32(1, 5, 6)]
        #expect(try notes([odd[0], odd[0], odd[2]], CompilerOptions(), forward).isEmpty)
        #expect(
            try notes([odd[0], odd[0], odd[2]], CompilerOptions(precision: .bfloat16), forward) == [
                "mixed-precision: attention with heads of 7 columns stays in f32: bf16 is multiplied in pairs"
            ])
        #expect(try notes([odd[1], odd[1], odd[2]], CompilerOptions(precision: .bfloat16), forward).isEmpty)
        #expect(
            try notes([bf16(1, 5, 8), bf16(1, 5, 8), bf16(1, 5, 3)], CompilerOptions(), forward) == [
                "decompose: attention has no kernel for heads of 3 columns in bf16, which is multiplied in pairs: \(stored)"
            ])
    }

    /// Without the kernel, the parts that it is made of give the same.
    @Test func decomposed() throws {
        let types = [f32(2, 18, 8), f32(2, 21, 8), f32(2, 21, 6), f32(2, 18, 6)]
        let graph = try Pipeline.standard.run(functionGraph(types) { x in outputs(x, scale: 0.3) })
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 3))
    }
}
