import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct OperationGradientTests {
    private let positive = 0.5...2.0

    @Test func unary() throws {
        try expectGradients(of: Operand(7)) { -$0[0] }
        try expectGradients(of: Operand(3, 5)) { abs($0[0]) }
        try expectGradients(of: Operand(7)) { exp($0[0]) }
        try expectGradients(of: Operand(7, in: positive)) { log($0[0]) }
        try expectGradients(of: Operand(7, in: positive)) { sqrt($0[0]) }
        try expectGradients(of: Operand(7)) { tanh($0[0]) }
        try expectGradients(of: Operand(7)) { erf($0[0]) }
        try expectGradients(of: Operand(1)) { sin($0[0]) }
        try expectGradients(of: Operand()) { cos($0[0]) }
        try expectGradients(of: Operand(3, 1, 5)) { gelu($0[0]) }
        try expectGradients(of: Operand(7)) {
            $0[0].cast(.bf16).cast(.f64).cast(.f32) * 0 + $0[0].cast(.f64).cast(.f32)
        }
    }

    @Test func softplusOfLargeAndSmall() throws {
        try expectGradients(of: Operand([5], [-30, -2, 0, 3, 30])) { softplus($0[0]) + softplus($0[0], beta: 0.5) }
    }

    /// Shapes of both operands: equal, scalar, stretched on either side, of other rank.
    @Test(
        arguments: [
            ([7], [7]), ([], []), ([3, 5], []), ([5], [3, 5]), ([3, 1], [1, 5]), ([2, 1, 3, 1, 5], [7, 3, 1, 1]),
        ] as [([Int], [Int])])
    func binary(_ a: [Int], _ b: [Int]) throws {
        var random = SeededGenerator(seed: 5)
        func operand(_ shape: [Int], _ range: ClosedRange<Double>) -> Operand {
            Operand(shape, (0..<shape.reduce(1, *)).map { _ in random.number(range) })
        }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) { $0[0] + $0[1] }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) { $0[0] - $0[1] }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) { $0[0] * $0[1] }
        try expectGradients(of: operand(a, -2...2), operand(b, positive)) { $0[0] / $0[1] }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) { maximum($0[0], $0[1]) }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) { minimum($0[0], $0[1]) }
        try expectGradients(of: operand(a, positive), operand(b, -2...2)) { power($0[0], $0[1]) }
        try expectGradients(of: operand(a, -2...2), operand(b, -2...2)) {
            select(greater($0[0], $0[0].constant(0.3)), $0[0], $0[1])
        }
    }

    @Test func scalarsBesideTensors() throws {
        try expectGradients(of: Operand(3, in: positive)) {
            2.0 - $0[0] * 3.0 + 1.0 / $0[0] - power($0[0], 2.5) + power(1.5, $0[0]) + $0[0] / 4.0
        }
        try expectGradients(of: Operand(7)) { maximum($0[0], 0.3) + minimum($0[0], -0.3) }
    }

    @Test func shapes() throws {
        try expectGradients(of: Operand(2, 3, 5)) { $0[0].reshape([5, -1]) * 2.0 }
        try expectGradients(of: Operand(1)) { $0[0].reshape([]) }
        try expectGradients(of: Operand(2, 3)) { $0[0].copied() * 2.0 }
        // Of one rank alone; RankGradientTests has several.
        try expectGradients(of: Operand(2, 3)) { allReduce($0[0]) * $0[0] }
        try expectGradients(of: Operand(1, 2, 3)) { reduceScatter($0[0]) * $0[0].reshape([2, 3]) }
        try expectGradients(of: Operand(2, 3)) { allGather($0[0], ranks: 1) * $0[0].reshape([1, 2, 3]) }
        try expectGradients(of: Operand(2, 3, 5)) { $0[0].transpose([2, 0, 1]) }
        try expectGradients(of: Operand(2, 1, 3, 1, 2)) { $0[0].transpose([4, 1, 3, 0, 2]) }
        try expectGradients(of: Operand(3, 1)) {
            $0[0].builder.add(Broadcast(shape: [2, 3, 5, 4], axes: [1, 3]), [$0[0]])
        }
        try expectGradients(of: Operand(1, 1)) { $0[0].builder.add(Broadcast(shape: [1, 4], axes: [0, 1]), [$0[0]]) }
        try expectGradients(of: Operand()) { $0[0].broadcast(to: [3, 2]) }
    }

    @Test(
        arguments: [
            ([0, 0], [7, 5], [1, 1]), ([1, 0], [7, 5], [2, 3]), ([1, 2], [6, 3], [2, 1]), ([6, 4], [7, 5], [4, 9]),
            ([0, 1], [5, 4], [3, 2]),
        ] as [([Int], [Int], [Int])])
    func slices(_ starts: [Int], _ limits: [Int], _ steps: [Int]) throws {
        try expectGradients(of: Operand(7, 5)) {
            $0[0].builder.add(Slice(starts: starts, limits: limits, steps: steps), [$0[0]])
        }
    }

    @Test(
        arguments: [
            ([0, 0], [0, 0], [0, 0]), ([1, 0], [0, 2], [0, 0]), ([0, 0], [0, 0], [2, 1]), ([2, 1], [1, 3], [1, 2]),
        ] as [([Int], [Int], [Int])])
    func pads(_ low: [Int], _ high: [Int], _ interior: [Int]) throws {
        try expectGradients(of: Operand(3, 1)) {
            $0[0].builder.add(Pad(low: low, high: high, interior: interior), [$0[0]])
        }
        try expectGradients(of: Operand(1, 4)) {
            $0[0].builder.add(Pad(low: low, high: high, interior: interior), [$0[0]])
        }
    }

    @Test func concatenations() throws {
        try expectGradients(of: Operand(2, 3), Operand(2, 1), Operand(2, 5)) {
            concatenate([$0[0], $0[1], $0[2], $0[0]], axis: 1)
        }
        try expectGradients(of: Operand(1, 3), Operand(4, 3)) { concatenate([$0[0], $0[1]], axis: -2) }
    }

    @Test(arguments: [[0], [1], [3], [0, 2], [1, 2, 3], [0, 1, 2, 3]])
    func reductions(_ axes: [Int]) throws {
        try expectGradients(of: Operand(2, 3, 1, 5)) { sum($0[0], axes: axes) }
        try expectGradients(of: Operand(2, 3, 1, 5)) { mean($0[0], axes: axes, keepAxes: true) * $0[0] }
        try expectGradients(of: Operand(2, 3, 1, 5)) { maximum($0[0], axes: axes) }
        try expectGradients(of: Operand(2, 3, 1, 5)) { minimum($0[0], axes: axes, keepAxes: true) - $0[0] }
    }

    @Test func gathersAndScatters() throws {
        let duplicates = [2.0, 0, 2, 2, -1, 9]
        try expectGradients(of: Operand(5, 3)) { gather($0[0], Self.indices([6], duplicates, $0[0])) }
        try expectGradients(of: Operand(5)) { gather($0[0], Self.indices([2, 3], duplicates, $0[0])) }
        try expectGradients(of: Operand(5, 3)) { gather($0[0], Self.indices([], [4], $0[0])) }
        try expectGradients(of: Operand(2, 5, 1, 2)) {
            gather($0[0], Self.indices([2, 3], duplicates, $0[0]), batch: 1)
        }
        try expectGradients(of: Operand(2, 3, 4)) { gather($0[0], Self.indices([2, 3], duplicates, $0[0]), batch: 2) }
        try expectGradients(of: Operand(6, 2)) { scatterAdd($0[0], at: Self.indices([6], duplicates, $0[0]), rows: 4) }
        try expectGradients(of: Operand(2, 3, 2)) {
            scatterAdd($0[0], at: Self.indices([2, 3], duplicates, $0[0]), rows: 4, batch: 1)
        }
        try expectGradients(of: Operand(2, 3)) { scatterAdd($0[0], at: Self.indices([], [1], $0[0]), rows: 3) }
    }

    private static func indices(_ shape: [Int], _ values: [Double], _ beside: Tensor) -> Tensor {
        beside.builder.add(Constant(TensorType(.i32, shape), values: values), [])
    }

    @Test func softmaxes() throws {
        for shape in [[7], [3, 5], [2, 1, 3], [4, 1]] {
            let operand = Operand(shape, (0..<shape.reduce(1, *)).map { Double($0 * 7 % 11) / 4 - 1 })
            try expectGradients(of: operand) { softmax($0[0]) }
            try expectGradients(of: operand) { softmax($0[0], axis: 0) }
            try expectGradients(of: operand) { logSoftmax($0[0]) }
        }
    }

    @Test func layerNormalizations() throws {
        try expectGradients(of: Operand(3, 5), Operand(5), Operand(5)) {
            layerNormalization($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-3)
        }
        try expectGradients(of: Operand(7), Operand(7), Operand(7)) {
            layerNormalization($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5)
        }
        try expectGradients(of: Operand(2, 1, 3, 4), Operand(4), Operand(4)) {
            layerNormalization($0[0], weight: $0[1], bias: $0[2], epsilon: 0.1)
        }
    }

    @Test func batchNormalizations() throws {
        try expectGradients(of: Operand(2, 3, 2, 2), Operand(3), Operand(3)) {
            batchNormalization($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-3)
        }
        try expectGradients(of: Operand(5, 4), Operand(4), Operand(4)) {
            batchNormalization($0[0], weight: $0[1], bias: $0[2], epsilon: 0.1)
        }
        try expectGradients(of: Operand(2, 3, 4)) { batchNormalization($0[0], axis: 2, epsilon: 1e-2) }
        try expectGradients(of: Operand(2, 3), Operand(3), Operand(3, in: positive), Operand(3)) {
            batchNormalization($0[0], mean: $0[1], variance: $0[2], weight: $0[3], bias: $0[1], epsilon: 1e-3)
        }
    }

    @Test(arguments: [(3, 6), (5, 3), (1, 4), (4, 1), (2, 9), (3, 3)])
    func interpolations(from count: Int, to size: Int) throws {
        for rule in Interpolation.Rule.allCases {
            try expectGradients(of: Operand(2, count, 3)) {
                $0[0].builder.add(Interpolation(axis: 1, size: size, rule: rule), [$0[0]])
            }
        }
        try expectGradients(of: Operand(2, 1, count, 2)) { linearResized($0[0], size: [size, 3], alignCorners: true) }
        try expectGradients(of: Operand(1, 2, 2, count)) { linearResized($0[0], size: [1, size], alignCorners: true) }
    }

    @Test(arguments: [(2, 3, 4, 6), (3, 2, 3, 2), (1, 2, 5, 2), (2, 2, 1, 7)], [(3, 3), (1, 1), (1, 5)])
    func upsampledConvolutions(_ size: (h: Int, w: Int, height: Int, width: Int), _ kernel: (h: Int, w: Int)) throws {
        try expectGradients(of: Operand(2, size.h, size.w, 3), Operand(2, 3, kernel.h, kernel.w)) {
            upsampledConvolution2D($0[0], kernel: $0[1], height: size.height, width: size.width)
        }
    }

    @Test func attentions() throws {
        try expectGradients(of: Operand(3, 4), Operand(5, 4), Operand(5, 2)) {
            attention($0[0], $0[1], $0[2], scale: 0.5)
        }
        try expectGradients(of: Operand(2, 2, 1, 3), Operand(2, 2, 4, 3), Operand(2, 2, 4, 5)) {
            attention($0[0], $0[1], $0[2], scale: -0.7)
        }
        try expectGradients(of: Operand(2, 3, 1), Operand(2, 1, 1), Operand(2, 1, 4)) {
            attention($0[0], $0[1], $0[2], scale: 1) + $0[1] + $0[0]
        }
        try expectGradients(of: Operand(2, 4, 3)) { attention($0[0], $0[0], $0[0], scale: 0.4) }
        try expectGradients(of: Operand(2, 4, 3)) { attention($0[0], $0[0], $0[0], scale: 0.4, isCausal: true) }
    }

    /// The same probabilities are dropped forward and backward; with numbers that are added, and without.
    @Test(arguments: [false, true])
    func attentionsWithDropout(isCausal: Bool) throws {
        func dropout(_ x: Tensor) -> (how: AttentionDropout, key: Tensor) {
            let key = x.builder.add(Iota(TensorType(.i32, [2]), axis: 0), [])
            return (AttentionDropout(keep: 0.6, stream: 3), key)
        }
        try expectGradients(of: Operand(2, 3, 4), Operand(2, 5, 4), Operand(2, 5, 2)) {
            attention($0[0], $0[1], $0[2], scale: 0.5, isCausal: isCausal, dropout: dropout($0[0]))
        }
        try expectGradients(of: Operand(2, 3, 4), Operand(2, 5, 4), Operand(2, 5, 2), Operand(1, 3, 5)) {
            attention($0[0], $0[1], $0[2], scale: 0.5, isCausal: isCausal, mask: $0[3], dropout: dropout($0[0]))
        }
    }

    /// Numbers that are added to scores have gradients of their own, summed where they are repeated.
    @Test(arguments: [[2, 3, 5], [1, 3, 5], [2, 1, 5], [2, 3, 1], [1, 1, 1]])
    func attentionsWithMasks(_ mask: [Int]) throws {
        for isCausal in [false, true] {
            try expectGradients(
                of: Operand(2, 3, 4), Operand(2, 5, 4), Operand(2, 5, 2), Operand(mask[0], mask[1], mask[2])
            ) {
                attention($0[0], $0[1], $0[2], scale: 0.5, isCausal: isCausal, mask: $0[3])
            }
        }
    }
}

@Suite struct DotGradientTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func anyLayout(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // Axes with their part: 0 batch, 1 contracting, 2 free on the left, 3 free on the right.
        let parts = (0..<random.integer(0...5)).map { _ in random.integer(0...3) }
        let extents = parts.map { _ in random.pick([1, 2, 3, 5]) }
        let left = random.shuffled(parts.indices.filter { parts[$0] != 3 }),
            right = random.shuffled(parts.indices.filter { parts[$0] != 2 })
        func pairs(_ part: Int) -> [(Int, Int)] {
            var pairs: [(Int, Int)] = []
            for axis in random.shuffled(parts.indices.filter { parts[$0] == part }) {
                if let x = left.firstIndex(of: axis), let y = right.firstIndex(of: axis) { pairs.append((x, y)) }
            }
            return pairs
        }
        let batch = pairs(0), contracting = pairs(1)
        func operand(_ axes: [Int]) -> Operand {
            let shape = axes.map { extents[$0] }
            return Operand(shape, (0..<shape.reduce(1, *)).map { _ in random.number(-2...2) })
        }
        try expectGradients(of: operand(left), operand(right), seed: seed) {
            dot($0[0], $0[1], batch: batch, contracting: contracting)
        }
    }

    @Test func bothOperandsAreTheSameTensor() throws {
        try expectGradients(of: Operand(3, 5)) { matmul($0[0], $0[0].transpose([1, 0])) }
        try expectGradients(of: Operand(3, 3)) { dot($0[0], $0[0], contracting: [(1, 0)]) }
    }
}

@Suite struct WindowGradientTests {
    @Test(arguments: [false, true])
    func windows(isReversed: Bool) throws {
        func windows(_ x: [Tensor], _ size: [Int], _ stride: [Int], _ dilation: [Int]) -> Tensor {
            x[0].builder.add(Windows(size: size, stride: stride, dilation: dilation, isReversed: isReversed), x)
        }
        try expectGradients(of: Operand(2, 7)) { windows($0, [3], [1], [1]) }
        try expectGradients(of: Operand(2, 9)) { windows($0, [3], [2], [3]) }
        try expectGradients(of: Operand(2, 5, 6)) { windows($0, [2, 3], [2, 1], [1, 2]) }
        try expectGradients(of: Operand(4)) { windows($0, [1], [3], [1]) }
    }

    @Test(arguments: [(1, 1, 0), (2, 1, 1), (3, 1, 1), (2, 2, 1), (4, 1, 0), (3, 3, 1)])
    func maximumPools(_ stride: Int, _ dilation: Int, _ padding: Int) throws {
        func pool(_ x: [Tensor], _ size: Int) -> Tensor {
            maximumPooling(x[0], size: size, stride: stride, padding: padding, dilation: dilation)
        }
        try expectGradients(of: Operand(2, 1, 9)) { pool($0, 3) }
        try expectGradients(of: Operand(1, 2, 7, 8)) { pool($0, 2) }
    }

    /// Last windows that run over the end.
    @Test func maximumPoolsInCeilMode() throws {
        for (extent, size, stride, padding) in [(8, 3, 2, 0), (6, 2, 2, 1), (7, 3, 3, 1), (2, 3, 2, 1), (9, 5, 4, 2)] {
            try expectGradients(of: Operand(1, 2, extent, extent + 1)) {
                maximumPooling($0[0], size: size, stride: stride, padding: padding, ceilMode: true)
            }
        }
    }

    /// More places, or phases, than have operations of their own.
    @Test func largeMaximumPools() throws {
        try expectGradients(of: Operand(1, 2, 6, 7)) { maximumPooling($0[0], size: 5, stride: 1, padding: 1) }
        try expectGradients(of: Operand(1, 1, 9, 8)) { maximumPooling($0[0], size: 2, stride: 5) }
    }

    /// Strides that leave phases without a tap, and images of which no window reads the end.
    @Test(arguments: [
        (1, 1, 0, 1), (2, 1, 1, 1), (2, 1, 0, 2), (3, 2, 2, 1), (2, 4, 1, 1), (4, 3, 1, 3), (5, 1, 0, 1), (3, 3, 2, 3),
    ])
    func convolutions(_ stride: Int, _ dilation: Int, _ padding: Int, _ groups: Int) throws {
        func convolve(_ x: [Tensor]) -> Tensor {
            convolution(x[0], kernel: x[1], stride: stride, padding: padding, dilation: dilation, groups: groups)
        }
        let c = groups == 3 ? 3 : 2
        try expectGradients(of: Operand(2, c, 10), Operand(c, c / groups, 3)) { convolve($0) }
        try expectGradients(of: Operand(1, c, 6, 9), Operand(2 * groups, c / groups, 2, 3)) {
            convolve($0)
        }
    }

    @Test(arguments: [(1, 1, 0, 0), (2, 1, 1, 1), (3, 2, 1, 0), (2, 2, 0, 1), (3, 1, 2, 2)])
    func transposedConvolutions(_ stride: Int, _ dilation: Int, _ padding: Int, _ added: Int) throws {
        try expectGradients(of: Operand(2, 3, 4), Operand(3, 2, 3)) {
            transposedConvolution(
                $0[0], kernel: $0[1], stride: stride, padding: padding, outputPadding: added, dilation: dilation)
        }
    }
}

/// Every operation with a gradient rule occurs in a test of this file; a new one is added to the list with its test.
@Suite struct GradientCoverageTests {
    @Test func everyDifferentiableOperationIsTested() {
        let tested: Set = [
            "negate", "abs", "exp", "log", "sqrt", "tanh", "erf", "sin", "cos", "gelu", "softplus", "cast", "add",
            "subtract",
            "multiply", "divide", "maximum",
            "minimum", "power", "select", "copy", "reshape", "transpose", "broadcast", "slice", "pad", "concatenate",
            "reduce", "dot", "gather",
            "scatter_add", "softmax", "log_softmax", "layer_norm", "batch_norm", "attention", "interpolate",
            "upsampled_convolution", "windows", "convolve", "max_pool", "all_reduce",
            "reduce_scatter", "all_gather",
        ]
        #expect(Set(OperationRegistry.all.filter { $0 is any DifferentiableOperation.Type }.map { $0.name }) == tested)
    }
}
