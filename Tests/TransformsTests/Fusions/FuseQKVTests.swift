import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct FuseQKVTests {
    /// Two to four matmuls of one operand, with either order of the weights' axes and with biases or not, beside
    /// others.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func meansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let leading = (0..<random.integer(0...2)).map { _ in random.pick([1, 2, 5]) }, input = random.pick([1, 3, 4])
        let isOutFirst = random.chance(0.5), biases = random.integer(0...2), count = random.integer(2...4)
        let forward = try ForwardPass { builder in
            let x = builder.f32("x", leading + [input])
            let products = (0..<count).map { index -> Tensor in
                let output = random.pick([2, 5, 8])
                let weight = builder.weight("w\(index)", isOutFirst ? [output, input] : [input, output])
                let product = dot(x, weight, contracting: [(leading.count, isOutFirst ? 1 : 0)])
                return biases == 0 || biases == 1 && index == 0
                    ? product : product + builder.weight("b\(index)", [output])
            }
            return products.enumerated().map { $0 % 2 == 0 ? $1.reshape([-1]) : tanh($1) } + [
                dot(gelu(x), builder.weight("other", [3, input]), contracting: [(leading.count, 1)])
            ]
        }
        let fused = try forward.expectSame(after: [.fuseQKV], rewrites: 1, seed: seed)
        #expect(fused.nodes.count { $0.operation is Dot } == 2)
        #expect(fused.parameters.map(\.operation) == forward.graph.parameters.map(\.operation))
    }
}
