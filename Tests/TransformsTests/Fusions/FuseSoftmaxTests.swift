import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct FuseSoftmaxTests {
    @Test(arguments: [[3], [2, 5], [1, 4], [2, 3, 7]], [true, false])
    func meansTheSame(_ shape: [Int], shifted: Bool) throws {
        func shift(_ x: Tensor) -> Tensor { shifted ? x - maximum(x, axes: [-1], keepAxes: true) : x }
        let forward = try ForwardPass { builder in
            let x = builder.f32("x", shape)
            let quotient = exp(shift(x)), product = exp(shift(x * 0.5)), logarithm = shift(tanh(x))
            return [
                quotient / sum(quotient, axes: [-1], keepAxes: true),
                (1 / sum(product, axes: [-1], keepAxes: true)) * product,
                logarithm - log(sum(exp(logarithm), axes: [-1], keepAxes: true)),
            ]
        }
        let fused = try forward.expectSame(after: [.fuseSoftmax], rewrites: 3, seed: 1)
        #expect(
            fused.nodes.count { $0.operation is Softmax } == 2 && fused.nodes.count { $0.operation is LogSoftmax } == 1)
        #expect(!fused.nodes.contains { $0.operation is Exp || $0.operation is Log })
    }

    /// What the decomposition makes is found again.
    @Test func undoesTheDecomposition() throws {
        let forward = try ForwardPass { builder in
            let x = builder.f32("x", [4, 5])
            return [softmax(x), logSoftmax(x), softmax(x * 2.0, axis: 0)]
        }
        try forward.expectSame(after: [.decompose, .fuseSoftmax], rewrites: 3, seed: 2)
    }

    /// Written out from the scores on, it becomes attention.
    @Test func leadsToAttention() throws {
        let forward = try ForwardPass { builder in
            let q = builder.f32("q", [2, 3, 4]), k = builder.f32("k", [2, 5, 4]), v = builder.f32("v", [2, 5, 6])
            let exponentials = exp(dot(q, k, batch: [(0, 0)], contracting: [(2, 2)]) * 0.5)
            return [
                dot(
                    exponentials / sum(exponentials, axes: [-1], keepAxes: true), v, batch: [(0, 0)],
                    contracting: [(2, 1)])
            ]
        }
        let fused = try forward.expectSame(after: [.fuseSoftmax, .fuseAttention], rewrites: 2, seed: 3)
        #expect(fused.nodes.contains { $0.operation is Attention })
    }
}
