import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct MoveGathersUpTests {
    /// Multiplications and additions of all matmuls.
    private func matmulOperations(_ graph: Graph) throws -> Int {
        let graph = try Pass.decompose.run(graph)
        return graph.nodes.reduce(0) { sum, node in
            (node.operation as? Dot).map {
                sum + $0.floatingPointOperations(graph[node.operands[0]].type, graph[node.operands[1]].type)
            } ?? sum
        }
    }

    /// Picks rows of the axis 1 of [b, n, d]: by indices of each batch, by shared ones, or a range.
    private static func pick(_ x: Tensor, _ random: inout SeededGenerator) -> Tensor {
        let n = x.shape[1], name = "rows\(x.value)"
        switch random.integer(0...3) {
        case 0: return x.slice(1..<max(2, n / 2), axis: 1)
        case 1: return x.slice(n - 1..<n, axis: 1)
        default:
            return gather(
                x, x.builder.input(Input(name, TensorType(.i32, [x.shape[0], random.integer(1...n - 1)]))), batch: 1)
        }
    }

    /// A step of work on [b, n, d] that is done row by row.
    private static func work(_ x: Tensor, _ step: Int, _ random: inout SeededGenerator) -> Tensor {
        let builder = x.builder, (b, n, d) = (x.shape[0], x.shape[1], x.shape[2])
        func input(_ shape: Int...) -> Tensor { builder.f32("x\(step)", shape) }
        switch random.integer(0...14) {
        case 0: return gelu(x) + input(d)
        case 1: return x * input(1, n, d)
        case 2: return x - input(b, n, 1)
        case 3: return tanh(x) + x.constant(0.5, shape: [b, n, d])
        case 4: return layerNormalization(x, weight: input(d), bias: builder.f32("bias\(step)", [d]), epsilon: 0.1)
        case 5: return softmax(x)
        case 6: return linear(x, weight: input(random.pick([1, 3, 4]), d))
        case 7: return x / (sum(x * x, axes: [2], keepAxes: true) + 1.0)
        case 8:
            return x
                + gelu(
                    linear(
                        layerNormalization(x, weight: input(d), bias: builder.f32("bias\(step)", [d]), epsilon: 0.1),
                        weight: builder.f32("w\(step)", [d, d])))
        case 9: return dot(input(2, d), x, contracting: [(1, 2)]).transpose([1, 2, 0])
        case 10: return (x.transpose([1, 0, 2]) * input(n, 1, d)).transpose([1, 0, 2])
        case 11: return concatenate([x, input(b, n, 2)], axis: 2).slice(1..<d + 1, axis: 2)
        case 12: return heads(x, step, &random)
        case 13:
            return (x.reshape([b, n, 1, d]) + input(2, d)).reshape([b, n, 2 * d]).slice(0..<min(4, 2 * d), axis: 2)
        default: return select(greater(x, x.constant(0.1)), x, input(n, 1))
        }
    }

    /// Attention in two heads, with one matmul for queries, keys and values.
    private static func heads(_ x: Tensor, _ step: Int, _ random: inout SeededGenerator) -> Tensor {
        let (b, n, d) = (x.shape[0], x.shape[1], x.shape[2]), builder = x.builder
        let joint = linear(
            x, weight: builder.f32("qkv\(step)", [12, d]),
            bias: random.chance(0.5) ? builder.f32("qkv_bias\(step)", [12]) : nil)
        let parts = (0..<3).map { joint.slice($0 * 4..<$0 * 4 + 4, axis: 2).reshape([b, n, 2, 2]) }
        let mixed: Tensor
        if random.chance(0.5) {
            let transposed = parts.map { $0.transpose([0, 2, 1, 3]) }
            mixed = attention(transposed[0], transposed[1], transposed[2], scale: 0.5).transpose([0, 2, 1, 3])
        } else {
            let probabilities = softmax(dot(parts[0], parts[1], batch: [(0, 0), (2, 2)], contracting: [(3, 3)]) * 0.5)
            mixed = dot(probabilities, parts[2], batch: [(0, 0), (1, 2)], contracting: [(3, 1)]).transpose([0, 2, 1, 3])
        }
        return linear(mixed.reshape([b, n, 4]), weight: builder.f32("proj\(step)", [3, 4]))
    }

    /// Chains of work with picked rows at the end and at times in the middle.
    @Test(arguments: 0..<150 as Range<UInt64>)
    func meansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let forward = try ForwardPass { builder in
            var x = builder.f32("x", [random.pick([1, 2, 3]), random.pick([4, 7, 9]), random.pick([2, 4])])
            for step in 0..<random.integer(1...5) {
                x = Self.work(x, step, &random)
                if random.chance(0.2), x.shape[1] > 2 { x = Self.pick(x, &random) }
            }
            if x.shape[1] < 2 { return [x] }
            let picked = Self.pick(x, &random)
            // At times all rows are read, or others.
            return random.chance(0.2)
                ? [picked, x * 2.0] : random.chance(0.2) ? [picked, Self.pick(gelu(x), &random)] : [picked]
        }
        let moved = try forward.expectSame(after: [.moveGathersUp], rewrites: nil, seed: seed)
        #expect(try matmulOperations(moved) <= matmulOperations(forward.graph), "seed \(seed)")
    }

    /// Images cut into patches, embedded and placed: only the picked ones are.
    @Test(arguments: [1, 3])
    func patchesThatAreKept(batch: Int) throws {
        let forward = try ForwardPass { builder in
            let images = builder.f32("images", [batch, 2, 6, 9]), kernel = builder.weight("kernel", [5, 2, 3, 3])
            let tokens = dot(images.reshape([batch, 2, 2, 3, 3, 3]), kernel, contracting: [(1, 1), (3, 2), (5, 3)])
                .reshape([batch, 6, 5])
            let placed =
                tokens + builder.weight("bias", [5]) + builder.weight("positions", [1, 7, 5]).slice(1..<7, axis: 1)
            return [gather(placed, builder.input(Input("kept", TensorType(.i32, [batch, 2]))), batch: 1)]
        }
        let moved = try forward.expectSame(after: [.moveGathersUp], rewrites: nil, seed: 5)
        #expect(try matmulOperations(moved) * 3 == matmulOperations(forward.graph))
    }

    /// Rows of a decoder: kept ones and one filler in the order of the image, without those that are thrown away, and
    /// of these some.
    @Test(arguments: [true, false])
    func fillersAreOneRow(fillerFirst: Bool) throws {
        let forward = try ForwardPass { builder in
            let rows = builder.f32("rows", [2, 3, 4]),
                filler = builder.weight("filler", [1, 1, 4]).broadcast(to: [2, 6, 4])
            let places = argsort(builder.f32("places", [2, 9])),
                visible = argsort(builder.f32("visible", [2, 9])).slice(0..<7, axis: 1)
            let all = gather(concatenate(fillerFirst ? [filler, rows] : [rows, filler], axis: 1), places, batch: 1)
            let placed = gather(all + builder.weight("positions", [1, 9, 4]), visible, batch: 1)
            let first = builder.f32("first", [2, 1, 4])
            return [
                linear(concatenate([first, placed], axis: 1), weight: builder.weight("w", [3, 4])).slice(1..<8, axis: 1)
            ]
        }
        let moved = try forward.expectSame(after: [.moveGathersUp], rewrites: nil, seed: 3)
        // One table of three rows and a filler, one gather from it and one of positions.
        #expect(moved.nodes.contains { $0.operation is Concatenate && $0.type.shape == [2, 4, 4] })
        #expect(moved.nodes.count { $0.operation is Gather && $0.type.element == .f32 } == 2)
    }

    /// A graph of some thousand nodes is rewritten in well under a second, even without optimisation.
    @Test func takesTimeInProportionToTheGraph() throws {
        func seconds(_ depth: Int) throws -> Double {
            let builder = GraphBuilder(name: "deep")
            var x = builder.f32("x", [2, 8, 4])
            for layer in 0..<depth { x = x + gelu(linear(x, weight: builder.weight("w\(layer)", [4, 4]))) }
            builder.output("y", x.slice(0..<2, axis: 1))
            let graph = try builder.finish(), clock = ContinuousClock()
            let time = try clock.measure { _ = try Pass.moveGathersUp.run(graph) }
            return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
        }
        #expect(try seconds(1000) < 5)
    }
}
