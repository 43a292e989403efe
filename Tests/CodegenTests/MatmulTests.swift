import ApusCodegen
import ApusIR
import ApusTestSupport
import Testing

/// Matrix products in every layout against the interpreter.
struct MatmulTests {
    /// Plain and transposed operands, and extents of 1.
    @Test(arguments: [1, 2, 17, 50], [1, 3, 33, 137])
    func layouts(m: Int, n: Int) throws {
        for k in [1, 5, 64] {
            try expectFunction([f32(m, k), f32(k, n)], "\(m)x\(n)x\(k)") { x in [matmul(x[0], x[1])] }
            try expectFunction([f32(k, m), f32(k, n)], "\(m)x\(n)x\(k), left transposed") { x in
                [dot(x[0], x[1], contracting: [(0, 0)])]
            }
            try expectFunction([f32(m, k), f32(n, k)], "\(m)x\(n)x\(k), right transposed") { x in
                [linear(x[0], weight: x[1])]
            }
            try expectFunction([f32(k, m), f32(n, k)], "\(m)x\(n)x\(k), both transposed") { x in
                [matmul(x[0].transpose([1, 0]), x[1].transpose([1, 0])), dot(x[1], x[0], contracting: [(1, 0)])]
            }
        }
    }

    /// Results that are written transposed for their reader.
    @Test(arguments: [1, 17, 64])
    func transposedResults(extent: Int) throws {
        try expectFunction([f32(extent, 7), f32(7, 33)]) { x in [matmul(x[0], x[1]).transpose([1, 0])] }
        try expectFunction([f32(2, extent, 7), f32(2, 7, 6)]) { x in
            [
                matmul(x[0], x[1]).reshape([2, extent, 3, 2]).transpose([0, 2, 1, 3]),
                matmul(x[0], x[1]).transpose([2, 0, 1]),
            ]
        }
        try expectFunction([f32(4, extent), f32(extent, 8)]) { x in
            [matmul(x[0], x[1]).reshape([2, 2, 8]).transpose([1, 2, 0]) * 2]
        }
    }

    /// Batches in any order of axes, of which some are broadcast.
    @Test func batches() throws {
        try expectFunction([f32(3, 2, 5, 7), f32(3, 2, 7, 4)]) { x in [matmul(x[0], x[1])] }
        try expectFunction([f32(5, 3, 7), f32(7, 3, 4)]) { x in
            [dot(x[0], x[1], batch: [(1, 1)], contracting: [(2, 0)])]
        }
        try expectFunction([f32(5, 7, 3), f32(3, 4, 7)]) { x in
            [dot(x[0], x[1], batch: [(2, 0)], contracting: [(1, 2)])]
        }
        try expectFunction([f32(9, 5, 7), f32(7, 4)]) { x in
            [dot(x[0], x[1].broadcast(to: [9, 7, 4]), batch: [(0, 0)], contracting: [(2, 1)])]
        }
        try expectFunction([f32(2, 3, 4, 5), f32(5, 3, 6)]) { x in [dot(x[0], x[1], contracting: [(3, 0), (1, 1)])] }
        try expectFunction([f32(2, 3, 4, 5), f32(4, 6, 2)]) { x in
            [dot(x[0], x[1], batch: [(0, 2)], contracting: [(2, 0)])]
        }
        try expectFunction([f32(4), f32(4)]) { x in
            [dot(x[0], x[1], contracting: [(0, 0)]), dot(x[0], x[1], contracting: [])]
        }
        try expectFunction([f32(), f32()]) { x in [dot(x[0], x[1], contracting: [])] }
    }

    /// Operands that are slices, broadcasts, reshapes, and computed ones.
    @Test func operandsThatAreViews() throws {
        try expectFunction([f32(20, 30), f32(30, 20)]) { x in
            let even = x[0].slice(0..<20, axis: 0, step: 2), odd = x[1].slice(1..<20, axis: 1, step: 2)
            let narrow = x[0].slice(3..<17, axis: 1)
            return [
                matmul(even, odd), matmul(x[1].slice(5..<19, axis: 0).transpose([1, 0]), narrow.transpose([1, 0])),
                matmul(odd, x[0].slice(0..<20, axis: 1, step: 2).slice(4..<14, axis: 0)),
            ]
        }
        try expectFunction([f32(1, 8), f32(8, 5)]) { x in [matmul(x[0].broadcast(to: [6, 8]), x[1])] }
        try expectFunction([f32(6, 8), f32(8, 5)]) { x in
            [matmul(x[0] * 2 + 1, x[1]), matmul(x[0].reshape([12, 4]), x[1].reshape([4, 10]))]
        }
        try expectFunction([f32(2, 3, 4), f32(12, 5)]) { x in
            [matmul(x[0].transpose([0, 2, 1]).reshape([2, 12]), x[1])]
        }
        // A view of an operand that has to be stored for another matmul.
        try expectFunction([f32(6, 6), f32(6, 6), f32(6, 6)]) { x in
            let y = x[0].slice(0..<6, axis: 1, step: 2)
            return [
                matmul(y.reshape([2, 9]), x[1].reshape([9, 4])),
                matmul(y.reshape([2, 9]).reshape([9, 2]), x[2].reshape([2, 18])), matmul(x[2], y),
            ]
        }
    }

    /// Attention as a transformer has it: queries, keys and values are slices of one matmul.
    @Test(arguments: [1, 5, 50])
    func attention(tokens: Int) throws {
        let (heads, width) = (3, 8), dim = heads * width
        try expectFunction([f32(2, tokens, dim), f32(3 * dim, dim), f32(3 * dim), f32(dim, dim)]) { x in
            let qkv = linear(x[0], weight: x[1], bias: x[2]).reshape([2, tokens, 3, heads, width]).transpose([
                2, 0, 3, 1, 4,
            ])
            let part = (0..<3).map { qkv.slice($0..<$0 + 1, axis: 0).reshape([2, heads, tokens, width]) }
            let weights = softmax(matmul(part[0], part[1].transpose([0, 1, 3, 2])) * 0.35)
            let mixed = matmul(weights, part[2]).transpose([0, 2, 1, 3]).reshape([2, tokens, dim])
            return [linear(mixed, weight: x[3]) + x[0], weights]
        }
    }

    @Test func brainFloats() throws {
        try expectFunction(
            [bf16(17, 33), bf16(33, 5)],
            values: [0: (0..<17 * 33).map { Double($0 % 13) - 6 }, 1: (0..<33 * 5).map { Double($0 % 7) / 4 }],
            tolerance: 1 / 256
        ) { x in [matmul(x[0], x[1]), matmul(x[0], x[1]).cast(.f32)] }
    }

    /// Matmuls large enough to be divided among threads, along either side.
    @Test(arguments: [[700, 40, 30], [40, 700, 30], [520, 600, 8]])
    func tiles(shape: [Int]) throws {
        try expectFunction([f32(shape[0], shape[2]), f32(shape[2], shape[1])], threads: 3) { x in
            [matmul(x[0], x[1]), dot(x[1], x[0], contracting: [(0, 1)]).transpose([1, 0])]
        }
    }
}
