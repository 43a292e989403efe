import ApusCodegen
import ApusIR
import Testing

/// NaN goes through kernels as through PyTorch's functions, so that a loss shows that a network has diverged.
struct NotANumberTests {
    private static let numbers: [Double] = [1, .nan, -2, 0, .infinity, -.infinity, -0.0, 3, .nan, 5, 6, -7, 8, 9, 1, 2]

    private func expectSame(_ shape: [Int], _ body: ([Tensor]) -> [Tensor]) throws {
        try expectFunction([TensorType(.f32, shape)], values: [0: Self.numbers], tolerance: 0, by: differences) { x in
            body(x)
        }
    }

    @Test func staysInActivationsAndMaxima() throws {
        let graph = try functionGraph([f32(16)]) { x in [relu(x[0]), maximum(x[0], 0), minimum(x[0], 0)] }
        let found = try runCompiled(graph, inputs: ["x0": HostTensor(f32(16), Self.numbers)])
        for name in ["y0", "y1", "y2"] {
            let values = try #require(found[name]).hostTensor.values
            #expect(values.indices.filter { values[$0].isNaN } == [1, 8], "\(name)")
        }
        #expect(try #require(found["y0"]).hostTensor.values[4] == .infinity)
        #expect(try #require(found["y0"]).hostTensor.values[5] == 0)
        try expectSame([16]) { x in [relu(x[0]), maximum(x[0], 0), minimum(x[0], 0), relu(-x[0])] }
    }

    @Test func staysInReductionsAndPooling() throws {
        try expectSame([4, 4]) { x in
            [0, 1].flatMap { axis in
                [maximum(x[0], axes: [axis]), minimum(x[0], axes: [axis]), sum(x[0], axes: [axis])]
            }
        }
        try expectSame([1, 1, 4, 4]) { x in
            [maximumPooling(x[0], size: 2, stride: 2), maximumPooling(x[0], size: 3, stride: 1)]
        }
        let graph = try functionGraph([f32(1, 1, 4, 4)]) { x in [maximumPooling(x[0], size: 2, stride: 2)] }
        let found = try runCompiled(graph, inputs: ["x0": HostTensor(f32(1, 1, 4, 4), Self.numbers)])
        #expect(try #require(found["y0"]).hostTensor.values.map(\.isNaN) == [true, false, true, false])
    }

    /// The index of NaN, as PyTorch has it, and always one that is there.
    @Test func isTheLargestOfItsRow() throws {
        let graph = try functionGraph([f32(4, 4)]) { x in [argmax(x[0])] }
        let found = try runCompiled(graph, inputs: ["x0": HostTensor(f32(4, 4), Self.numbers)])
        #expect(try #require(found["y0"]).hostTensor.values == [1, 0, 0, 1])
        try expectSame([4, 4]) { x in [argmax(x[0]), argmax(x[0].transpose([1, 0]))] }
    }
}
