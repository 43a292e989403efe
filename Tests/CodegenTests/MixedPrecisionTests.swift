import ApusCodegen
import ApusIR
import ApusTransforms
import Testing

/// Mixed precision where a rounded number meets the one that it was rounded from.
struct MixedPrecisionTests {
    /// No bf16 number: rounding moves it.
    private static let numbers: [Double] = [1.001, 0.25, -3.003, 1.0005]

    /// The gradients of parameters x [1, 4] and w [4, 1], of which a matmul takes both, in bf16.
    private func gradients(_ loss: (_ x: Tensor, _ product: Tensor) -> Tensor) throws -> [Double] {
        let builder = GraphBuilder(name: "ties")
        let x = builder.parameter(Parameter("x", f32(1, 4), .zeros)),
            w = builder.parameter(Parameter("w", f32(4, 1), .zeros))
        let value = loss(x, matmul(x, w))
        let differentiated = try differentiate(builder.finish(), loss: value.value, withRespectTo: [x.value])
        let extended = GraphBuilder(extending: differentiated.graph)
        extended.output("loss", extended.tensor(value.value))
        extended.output("gradient", extended.tensor(try #require(differentiated.gradients[0])))
        let found = try runCompiled(
            extended.finish(), inputs: [:],
            parameters: ["x": HostTensor(f32(1, 4), Self.numbers), "w": HostTensor(f32(4, 1), fill: 0)],
            options: CompilerOptions(precision: .bfloat16))
        return try #require(found["gradient"]).hostTensor.values
    }

    @Test func largestAndSmallestKeepTheirGradients() throws {
        /// The gradient of a reduction beside a matmul of its operand.
        func gradient(_ kind: Reduce.Kind, axis: Int) throws -> [Double] {
            try gradients { x, product in
                let extremes = x.builder.add(Reduce(kind, axes: [axis]), [x])
                return sum(extremes, axes: [0]) + sum(product, axes: [0, 1])
            }
        }
        #expect(try gradient(.maximum, axis: 1) == [1, 0, 0, 0])
        #expect(try gradient(.minimum, axis: 1) == [0, 0, 1, 0])
        #expect(try gradient(.maximum, axis: 0) == [1, 1, 1, 1])
    }

    /// An index that is there, of the number that is the largest before it is rounded.
    @Test func largestHasAnIndex() throws {
        let graph = try functionGraph([f32(1, 4), f32(4, 3)]) { x in [argmax(x[0]), matmul(x[0], x[1])] }
        let found = try runCompiled(
            graph, inputs: ["x0": HostTensor(f32(1, 4), Self.numbers), "x1": HostTensor(f32(4, 3), fill: 1)],
            options: CompilerOptions(precision: .bfloat16))
        #expect(try #require(found["y0"]).hostTensor.values == [0])
    }
}
