import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import ApusTransforms
import Testing

/// Convolutions and their gradients, whose matmuls read windows of images while they pack them.
@Suite struct ConvolutionTests {
    /// Shapes of images and kernels, and how windows slide.
    struct Case: CustomTestStringConvertible {
        var x: [Int], kernel: [Int], stride: [Int], padding: [Int], dilation: [Int], groups = 1

        init(
            _ x: [Int], _ kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil, dilation: [Int]? = nil,
            groups: Int = 1
        ) {
            (self.x, self.kernel, self.groups) = (x, kernel, groups)
            self.stride = stride ?? x.dropFirst(2).map { _ in 1 }
            self.padding = padding ?? x.dropFirst(2).map { _ in 0 }
            self.dilation = dilation ?? x.dropFirst(2).map { _ in 1 }
        }

        var testDescription: String {
            "\(x) by \(kernel), stride \(stride), padding \(padding), dilation \(dilation), \(groups) groups"
        }

        func callAsFunction(_ x: Tensor, _ kernel: Tensor) -> Tensor {
            convolution(x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups)
        }
    }

    /// Rows of windows around the width of vectors: runs that fill a vector, that a vector begins and ends in, and so
    /// short ones that lanes are read one by one.
    static let rows = [1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 28, 31, 32, 33, 56].map {
        Case([2, 3, 5, $0], [7, 3, 3, 3], padding: [1, 1])
    }
    /// The same for windows with a stride, whose runs are of every other element.
    static let stridedRows = [8, 14, 16, 17, 28, 32].map {
        Case([2, 3, 5, 2 * $0], [7, 3, 3, 3], stride: [2, 2], padding: [1, 1])
    }
    static let cases =
        rows + stridedRows + [
            Case([1, 1, 3, 3], [1, 1, 3, 3]),
            Case([2, 3, 9, 11], [4, 3, 3, 3], stride: [2, 2], padding: [1, 1]),
            Case([2, 3, 10, 12], [4, 3, 3, 3], stride: [2, 2], padding: [1, 1]),
            Case([1, 3, 23, 20], [8, 3, 7, 7], stride: [2, 2], padding: [3, 3]),
            Case([2, 4, 8, 6], [5, 4, 1, 1]),
            Case([2, 4, 8, 6], [5, 4, 1, 1], stride: [2, 3]),
            Case([2, 4, 8, 6], [5, 4, 1, 1], padding: [1, 2]),
            Case([2, 2, 9, 8], [3, 2, 3, 2], dilation: [2, 3]),
            Case([2, 2, 12, 13], [3, 2, 3, 3], stride: [2, 3], padding: [2, 0], dilation: [2, 2]),
            Case([2, 2, 12, 13], [3, 2, 3, 3], stride: [4, 3], padding: [1, 1], dilation: [2, 3]),
            Case([1, 2, 7, 7], [3, 2, 2, 2], stride: [3, 5]),
            Case([2, 6, 7, 9], [4, 3, 3, 3], padding: [1, 1], groups: 2),
            Case([2, 6, 7, 9], [9, 2, 3, 3], stride: [2, 1], padding: [1, 1], groups: 3),
            Case([2, 5, 7, 18], [5, 1, 3, 3], padding: [1, 1], groups: 5),
            Case([2, 5, 7, 18], [5, 1, 3, 3], stride: [2, 2], padding: [1, 1], groups: 5),
            Case([2, 5, 7, 8], [10, 1, 3, 3], padding: [1, 1], groups: 5),
            Case([3, 2, 19], [4, 2, 5], stride: [2], padding: [2]),
            Case([2, 2, 40], [3, 2, 9], stride: [6], padding: [4]),
            Case([1, 2, 70], [3, 2, 30], stride: [20], padding: [4]),
            Case([2, 2, 4, 5, 6], [3, 2, 2, 3, 2], stride: [1, 2, 1], padding: [0, 1, 1]),
            Case([1, 1, 40, 41], [2, 1, 3, 3], stride: [5, 5], padding: [1, 1]),
            Case([2, 18, 7, 9], [4, 9, 3, 3], padding: [1, 1], groups: 2),
            Case([2, 32, 8, 20], [48, 16, 3, 3], stride: [2, 1], padding: [1, 1], groups: 2),
            Case([2, 6, 9, 20], [8, 3, 3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 2], groups: 2),
            Case([2, 6, 9, 40], [8, 3, 3, 3], padding: [1, 1], groups: 2), Case([3, 2, 70], [4, 2, 5], padding: [2]),
            Case([2, 2, 4, 5, 36], [3, 2, 2, 3, 2], padding: [0, 1, 1]),
            Case([2, 6, 19], [4, 3, 5], padding: [2], groups: 2), Case([1, 4, 3, 9, 9], [4, 2, 2, 2, 2], groups: 2),
        ]

    /// The convolution, and its gradients for given factors of its results.
    private func graph(_ example: Case, before: (Tensor) -> Tensor) throws -> Graph {
        let builder = GraphBuilder(name: "convolution")
        let x = builder.input(Input("x", TensorType(.f32, example.x)))
        let kernel = builder.input(Input("kernel", TensorType(.f32, example.kernel)))
        let y = example(before(x), kernel), factors = builder.input(Input("factors", y.type))
        builder.output("y", y)
        let loss = sum(y * factors, axes: Array(0..<y.rank))
        builder.output("loss", loss)
        let differentiated = try differentiate(
            try builder.finish(), loss: loss.value, withRespectTo: [x.value, kernel.value])
        let extended = GraphBuilder(extending: differentiated.graph)
        for (name, gradient) in zip(["gradient of x", "gradient of kernel"], differentiated.gradients) {
            extended.output(name, extended.tensor(try #require(gradient)))
        }
        return try extended.finish()
    }

    private func expect(
        _ example: Case, tolerance: Double = 2e-5, options: CompilerOptions = CompilerOptions(products: .generated),
        target: TargetDescription? = nil, before: (Tensor) -> Tensor = { $0 }
    ) throws {
        let graph = try graph(example, before: before)
        try expectMatchesInterpreter(
            graph, inputs: randomInputs(for: graph, seed: 3), tolerance: tolerance, options: options, target: target,
            cache: sharedCache, example.testDescription)
    }

    @Test(arguments: cases)
    func forwardAndGradients(_ example: Case) throws { try expect(example) }

    /// What is computed on the way to the windows is computed while they are packed, where there is no padding.
    @Test(arguments: [rows[4], rows[15], cases[18], cases[20], cases[22]])
    func afterElementwiseWork(_ example: Case) throws {
        var bare = example
        bare.padding = bare.padding.map { _ in 0 }
        try expect(bare) { relu($0 * 1.5) }
        try expect(example) { relu($0 * 1.5) }
    }

    @Test(arguments: cases)
    func inBFloat16(_ example: Case) throws {
        try expect(example, tolerance: 2e-2, options: CompilerOptions(precision: .bfloat16, products: .generated))
    }

    /// Vectors of other widths have other runs.
    @Test(arguments: TargetLevelTests.levels, cases)
    func onOtherMachines(_ level: TargetDescription.Level, _ example: Case) throws {
        try expect(example, target: try TargetDescription.host().restricted(to: level))
    }

    /// Even and odd numbers of results along both axes, and such that vectors are not filled.
    private static let squares = [
        Case([2, 3, 6, 8], [4, 3, 3, 3], padding: [1, 1]), Case([2, 3, 7, 9], [4, 3, 3, 3], padding: [1, 1]),
        Case([1, 4, 9, 40], [3, 4, 3, 3]), Case([3, 5, 5, 4], [17, 5, 3, 3], padding: [2, 2]),
        Case([2, 2, 33, 35], [2, 2, 3, 3], padding: [0, 1]),
    ]

    private func options(bothAxes: Bool, _ precision: CompilerOptions.Precision = .float32) throws -> CompilerOptions {
        var tuning = Tuning(try .host())
        tuning.winograd = WinogradLimits(channels: 2, channelsForBothAxes: bothAxes ? 2 : 99, places: 4)
        return CompilerOptions(precision: precision, products: .generated, tuning: tuning)
    }

    private func shortened(_ example: Case, _ options: CompilerOptions) throws -> Int {
        try GraphCompiler(options, cache: nil).report(graph(example) { $0 }).rewrites.count { $0.pass == "winograd" }
    }

    /// Forward, and in the gradient of images, fewer products give the same sums.
    @Test(arguments: squares, [false, true])
    func withFewerProducts(_ example: Case, bothAxes: Bool) throws {
        let options = try options(bothAxes: bothAxes)
        #expect(try shortened(example, options) == 2)
        try expect(example, options: options)
        try expect(example, options: options) { relu($0 * 1.5) }
    }

    /// Of kernels that no run changes, in one part, in parts of some images, the last of fewer, and in as many as there
    /// are images; and where there are more rows than are computed at once.
    @Test(arguments: squares + [Case([7, 3, 6, 5], [40, 3, 3, 3], padding: [1, 1])], [1...4, 16...64, 999...999])
    func withKernelsThatStay(_ example: Case, rows: ClosedRange<Int>) throws {
        var options = try options(bothAxes: false)
        for parts in [1, 3, 9] {
            options.tuning?.winograd.constantKernels = .init(places: 4, rows: rows, parts: parts)
            let builder = GraphBuilder(name: "constant")
            let x = builder.input(Input("x", TensorType(.f32, example.x)))
            let kernel = builder.parameter(Parameter("kernel", TensorType(.f32, example.kernel), .normal(deviation: 1)))
            builder.output("y", example(x, kernel))
            let graph = try builder.finish()
            let rewrites = try GraphCompiler(options, cache: nil).report(graph).rewrites
            #expect(rewrites.contains { $0.pass == "winograd" })
            try expectMatchesInterpreter(
                graph, inputs: randomInputs(for: graph, seed: 5), parameters: randomParameters(for: graph, seed: 6),
                options: options)
        }
    }

    /// What is no square of 3×3 that moves by one is not shortened, nor where sums would be rounded before they are
    /// multiplied, nor where it does not pay.
    @Test func withAsManyProducts() throws {
        let options = try options(bothAxes: true)
        let others = [
            Case([2, 4, 8, 6], [5, 4, 1, 1]), Case([2, 4, 9, 8], [4, 4, 3, 3], stride: [2, 2]),
            Case([2, 4, 9, 8], [4, 4, 3, 3], dilation: [2, 2]), Case([2, 4, 9, 8], [4, 4, 5, 3]),
            Case([2, 6, 7, 9], [4, 3, 3, 3], padding: [1, 1], groups: 2), Case([2, 1, 7, 9], [4, 1, 3, 3]),
        ]
        for example in others {
            #expect(try shortened(example, options) == 0, "\(example.testDescription)")
        }
        #expect(try shortened(Self.squares[0], self.options(bothAxes: true, .bfloat16)) == 0)
        #expect(try shortened(Self.squares[0], CompilerOptions(products: .generated)) == 0)
        var without = options
        without.fusions.remove(.winograd)
        #expect(try shortened(Self.squares[0], without) == 0)
    }

    /// Groups of few channels are no matmuls, forward and in the gradient of images; wider ones and those of few
    /// products more than that are.
    @Test(arguments: [
        (Case([2, 6, 7, 9], [4, 3, 3, 3], padding: [1, 1], groups: 2), 2),
        (Case([2, 6, 9, 20], [8, 3, 3, 3], stride: [2, 2], padding: [1, 1], groups: 2), 5),
        (Case([2, 8, 7, 9], [8, 4, 3, 3], groups: 2), 2), (Case([2, 8, 9, 9], [8, 4, 3, 4], groups: 2), 0),
        (Case([2, 10, 7, 9], [10, 5, 1, 1], groups: 2), 0),
        (Case([2, 4, 7, 9], [10, 2, 3, 3], groups: 2), 0), (Case([2, 4, 7, 9], [4, 4, 3, 3]), 0),
    ])
    func narrowGroups(_ example: Case, _ count: Int) throws {
        for precision in CompilerOptions.Precision.allCases {
            let options = CompilerOptions(precision: precision, products: .generated)
            let rewrites = try GraphCompiler(options, cache: nil).report(graph(example) { $0 }).rewrites
            #expect(rewrites.count { $0.pass == "narrow-groups" } == count)
        }
    }

    /// A matmul of bf16 with sums in f32, as a graph may have it, is none of f32.
    @Test func sumsOfBFloat16StayAsTheyAre() throws {
        let types = [TensorType(.bf16, [1, 2, 8, 8]), TensorType(.bf16, [4, 2, 3, 3])]
        let graph = try functionGraph(types) { x in
            let windows = x[0].builder.add(Windows(size: [3, 3], stride: [1, 1], dilation: [1, 1]), [x[0]])
            let product = Dot(leftContracting: [1, 2, 3], rightContracting: [1, 2, 3], result: .f32)
            return [x[0].builder.add(product, [x[1], windows])]
        }
        let options = try options(bothAxes: true)
        #expect(try GraphCompiler(options, cache: nil).report(graph).rewrites.allSatisfy { $0.pass != "winograd" })
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 4), options: options)
    }

    /// The sizes from which a machine does it: 64 channels of 24×24 places.
    @Test func ofManyChannels() throws {
        let example = Case([1, 64, 24, 24], [64, 64, 3, 3], padding: [1, 1])
        #expect(try shortened(example, CompilerOptions(products: .generated)) == 2)
        try expect(example, tolerance: 1e-4)
    }

    /// No window is stored, forward or backward: nine times the images do not fit into this arena.
    @Test func storesNoWindows() throws {
        let example = Case([2, 16, 32, 32], [16, 16, 3, 3], padding: [1, 1])
        let graph = try graph(example) { $0 }
        let program = try GraphCompiler(CompilerOptions(products: .generated), cache: nil).compile(graph).program
        #expect(program.arenaBytes < 5 * 4 * example.x.reduce(1, *))
    }

    /// Bias, residual and activation are computed where the sums are, in groups too; what is left is the order of axes.
    @Test(arguments: [1, 2], [1, 3])
    func whatFollowsIsInTheEpilogue(_ groups: Int, _ size: Int) throws {
        let graph = try functionGraph([
            f32(3, 16, 9, 20), f32(12, 16 / groups, size, size), f32(12, 1, 1), f32(3, 12, 9, 20),
        ]) { x in
            let y = convolution(
                x[0], kernel: x[1], stride: [1, 1], padding: [size / 2, size / 2], dilation: [1, 1], groups: groups)
            return [relu(y + x[2] + x[3])]
        }
        let kernels = try schedule(graph).steps.compactMap { step -> GeneratedKernel? in
            if case .kernel(let call) = step.work { call.kernel } else { nil }
        }
        let adding = kernels.filter { kernel in
            switch kernel {
            case .matmul(let matmul): matmul.epilogue.hasAdditions
            case .loop(let loop): loop.hasAdditions
            case .attention: false
            }
        }
        #expect(adding.count == 1)
        guard case .matmul = adding.first else { return _ = Issue.record("nothing is added in an epilogue") }
        try expectMatchesInterpreter(graph, inputs: randomInputs(for: graph, seed: 4))
    }
}

extension LoopKernel {
    fileprivate var hasAdditions: Bool {
        instructions.contains { if case .compute(.add, _) = $0.kind, $0.type == .f32 { true } else { false } }
    }
}
