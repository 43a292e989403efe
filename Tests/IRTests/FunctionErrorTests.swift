import ApusIR
import Testing

/// A function that users call: a use of it that is wrong, whose mistake is to be the function's own, whatever it is
/// made of.
struct MisusedFunction: Sendable, CustomTestStringConvertible {
    let name: String
    let use: @Sendable (Operands) -> Void

    init(_ name: String, _ use: @escaping @Sendable (Operands) -> Void) { (self.name, self.use) = (name, use) }

    var testDescription: String { name }

    /// Tensors that do not fit together, or that a function does not take.
    struct Operands {
        let x: Tensor, wide: Tensor, scalar: Tensor, integers: Tensor, truths: Tensor, images: Tensor, narrow: Tensor

        init(_ builder: GraphBuilder) {
            func input(_ name: String, _ element: ElementType, _ shape: Int...) -> Tensor {
                builder.input(Input(name, TensorType(element, shape)))
            }
            (x, wide) = (input("x", .f32, 2, 3), input("wide", .f32, 2, 4))
            (scalar, integers) = (input("scalar", .f32), input("integers", .i32, 2, 3))
            (truths, images) = (input("truths", .bool, 2, 3), input("images", .f32, 1, 2, 4, 4))
            narrow = input("narrow", .bf16, 3, 2, 2, 2)
        }
    }

    private static let activations: [MisusedFunction] = [
        MisusedFunction("relu") { _ = relu($0.truths) }, MisusedFunction("sigmoid") { _ = sigmoid($0.integers) },
        MisusedFunction("logSigmoid") { _ = logSigmoid($0.integers) },
        MisusedFunction("silu") { _ = silu($0.integers) },
        MisusedFunction("mish") { _ = mish($0.integers) }, MisusedFunction("geluTanh") { _ = geluTanh($0.integers) },
        MisusedFunction("leakyReLU") { _ = leakyReLU($0.truths) }, MisusedFunction("elu") { _ = elu($0.integers) },
        MisusedFunction("celu") { _ = celu($0.integers) }, MisusedFunction("selu") { _ = selu($0.integers) },
        MisusedFunction("softsign") { _ = softsign($0.truths) },
        MisusedFunction("tanhshrink") { _ = tanhshrink($0.integers) },
        MisusedFunction("hardshrink") { _ = hardshrink($0.truths) },
        MisusedFunction("softshrink") { _ = softshrink($0.truths) },
        MisusedFunction("threshold") { _ = threshold($0.truths, above: 0, otherwise: 1) },
        MisusedFunction("clamp") { _ = clamp($0.truths, 0, 1) },
        MisusedFunction("hardtanh") { _ = hardtanh($0.truths) },
        MisusedFunction("relu6") { _ = relu6($0.truths) },
        MisusedFunction("hardsigmoid") { _ = hardsigmoid($0.truths) },
        MisusedFunction("hardswish") { _ = hardswish($0.truths) },
        MisusedFunction("glu") { _ = glu($0.integers, axis: 0) },
        MisusedFunction("glu") { _ = glu($0.x) },
    ]

    private static let numbers: [MisusedFunction] = [
        MisusedFunction("less") { _ = less($0.x, $0.wide) }, MisusedFunction("equal") { _ = equal($0.x, $0.integers) },
        MisusedFunction("greaterEqual") { _ = greaterEqual($0.truths, $0.truths) },
        MisusedFunction("sum") { _ = sum($0.x, axes: [2]) },
        MisusedFunction("maximum") { _ = maximum($0.x, axes: [0, 0]) },
        MisusedFunction("mean") { _ = mean($0.x, axes: [-3]) },
        MisusedFunction("variance") { _ = variance($0.x, axes: [5]) },
        MisusedFunction("standardDeviation") { _ = standardDeviation($0.x, axes: [2], correction: 0) },
        MisusedFunction("norm") { _ = norm($0.x, axes: [2]) },
        MisusedFunction("normalized") { _ = normalized($0.x, axis: 7) },
        MisusedFunction("cumulativeSum") { _ = cumulativeSum($0.truths, axis: 0) },
        MisusedFunction("logSumExp") { _ = logSumExp($0.integers) },
        MisusedFunction("cosineSimilarity") { _ = cosineSimilarity($0.x, $0.wide) },
        MisusedFunction("cosineEmbeddingLoss") { _ = cosineEmbeddingLoss($0.x, $0.wide, $0.scalar) },
        MisusedFunction("tripletLoss") { _ = tripletLoss(anchor: $0.x, positive: $0.wide, negative: $0.x) },
        MisusedFunction("oneHot") { _ = oneHot($0.x, classes: 4) }, MisusedFunction("argmax") { _ = argmax($0.truths) },
        MisusedFunction("accuracy") { _ = accuracy($0.x, $0.x) }, MisusedFunction("sorted") { _ = sorted($0.truths) },
        MisusedFunction("matmul") { _ = matmul($0.x, $0.wide) },
        MisusedFunction("linear") { _ = linear($0.scalar, weight: $0.x) },
        MisusedFunction("linear") { _ = linear($0.x, weight: $0.x, bias: $0.wide) },
    ]

    private static let shapes: [MisusedFunction] = [
        MisusedFunction("tiled") { _ = $0.x.tiled([1 << 30, 1 << 30]) },
        MisusedFunction("stack") { _ = stack([$0.x, $0.wide]) },
        MisusedFunction("stack") { _ = stack([$0.x], axis: 4) },
        MisusedFunction("lowerTriangle") { _ = lowerTriangle($0.scalar) },
        MisusedFunction("upperTriangle") { _ = upperTriangle($0.scalar) },
        MisusedFunction("convolution") { _ = convolution($0.images, kernel: $0.narrow, stride: 2) },
        MisusedFunction("convolution") { _ = convolution($0.images, kernel: $0.narrow) },
        MisusedFunction("transposedConvolution") {
            _ = transposedConvolution(
                $0.images.slice(0..<1, axis: 1), kernel: $0.narrow.slice(0..<1, axis: 0), stride: 2)
        },
        MisusedFunction("transposedConvolution") {
            _ = transposedConvolution($0.images.slice(0..<1, axis: 1), kernel: $0.narrow.slice(0..<1, axis: 0))
        },
        // Windows that are folded, and padding that holds too much.
        MisusedFunction("maximumPooling") {
            _ = maximumPooling($0.images.cast(.bool), size: 2)
        },
        MisusedFunction("maximumPooling") {
            _ = maximumPooling($0.images.cast(.bool), size: 2, stride: 9, ceilMode: true)
        },
        MisusedFunction("maximumPooling") {
            _ = maximumPooling($0.images, size: 2, stride: 1 << 47, dilation: 1 << 46, ceilMode: true)
        },
        MisusedFunction("averagePooling") { _ = averagePooling($0.images.cast(.bool), size: 2) },
        MisusedFunction("linearResized") { _ = linearResized($0.images, size: 1 << 20) },
    ]

    static let all = activations + numbers + shapes
}

@Suite struct FunctionErrorTests {
    @Test(arguments: MisusedFunction.all) func mistakesAreTheFunctionsOwn(_ misused: MisusedFunction) {
        let builder = GraphBuilder(name: "test"), operands = MisusedFunction.Operands(builder)
        #expect(builder.errors.isEmpty)
        misused.use(operands)
        // What does not fit several operations of a function is said of each.
        #expect(Set(builder.errors.map(\.operation)) == [misused.name], "\(builder.errors)")
    }

    /// Of functions that call one another, the one that the user called; what belongs to no operation stays so.
    @Test func theOutermostFunctionCounts() {
        let builder = GraphBuilder(name: "test"), operands = MisusedFunction.Operands(builder)
        _ = builder.attributing(to: "outer") { sigmoid(operands.integers) }
        _ = builder.attributing(to: "outer", at: SourceLocation(file: "a.swift", line: 3)) {
            builder.report(GraphError(.structure, "nothing"))
        }
        #expect(builder.errors.map(\.operation) == ["outer", ""])
        #expect(builder.errors[1].location == nil)
    }
}
