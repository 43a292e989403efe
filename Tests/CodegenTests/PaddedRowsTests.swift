import ApusCodegen
import ApusIR
import Testing

/// Values whose rows have a gap behind each in memory, since a matmul reads them too: all kinds of readers.
struct PaddedRowsTests {
    /// Rows of 4096 bytes, which would fall onto each other in the cache.
    private static let width = 1024

    /// A computed value that a matmul reads, and what another reader makes of it.
    private func expectReads(
        products: CompilerOptions.Products = .generated, tolerance: Double = 2e-5,
        by distance: Distance = relativeError,
        sourceLocation: Testing.SourceLocation = #_sourceLocation, _ read: (Tensor, _ indices: Tensor) -> Tensor
    ) throws {
        try expectFunction(
            [f32(3, 1), f32(1, Self.width), f32(Self.width, 5), i32(4)], tolerance: tolerance, by: distance,
            options: CompilerOptions(products: products), sourceLocation: sourceLocation
        ) { x in
            let value = matmul(x[0], x[1])
            // The result of the matmul comes first in the order of the graph, and keeps the value's rows apart.
            return [read(value, x[3]), matmul(value, x[2])]
        }
    }

    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func areRead(products: CompilerOptions.Products) throws {
        try expectReads(products: products) { value, _ in value * 2 }
        try expectReads(products: products) { value, _ in sum(value, axes: [1]) }
        try expectReads(products: products) { value, _ in sum(value, axes: [0]) }
        try expectReads(products: products) { value, _ in softmax(value) }
        try expectReads(products: products) { value, _ in value.transpose([1, 0]) }
        try expectReads(products: products) { value, _ in value.reshape([2, 3 * Self.width / 2]) }
        try expectReads(products: products) { value, _ in value.slice(5..<900, axis: 1, step: 3) }
        try expectReads(products: products) { value, _ in value.padded(low: [1, 2], high: [0, 3]) }
        try expectReads(products: products) { value, _ in concatenate([value, value], axis: 0) }
        try expectReads(products: products) { value, indices in gather(value, indices) }
        try expectReads(products: products) { value, indices in
            scatterAdd(value, at: indices.slice(0..<3, axis: 0), rows: 4)
        }
        try expectReads(products: products) { value, _ in matmul(value, value.transpose([1, 0])) }
        try expectReads(products: products) { value, _ in
            let heads = value.reshape([3, 8, Self.width / 8])
            return attention(heads, heads, heads, scale: 0.1)
        }
    }

    /// Matmuls that take rows and columns together, as the gradient of a scale does, and parts of a long one.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func areReadAsOneAxis(products: CompilerOptions.Products) throws {
        let options = CompilerOptions(products: products)
        try expectFunction([f32(4, Self.width), f32()], options: options) { x in
            [dot(tanh(x[0]), x[1], contracting: []), dot(x[1], tanh(x[0]), contracting: [])]
        }
        try expectFunction([f32(4, Self.width), f32(4, Self.width)], options: options) { x in
            [dot(tanh(x[0]), x[1], contracting: [(0, 0), (1, 1)]), matmul(tanh(x[0]), x[1].transpose([1, 0]))]
        }
        // The first matmul cannot write its rows apart, so they are not.
        try expectFunction([f32(4, Self.width), f32(), f32(Self.width, 5)], options: options) { x in
            [matmul(dot(x[0], x[1], contracting: []), x[2])]
        }
        try expectFunction([f32(3, 2045), f32(3, 2045)], options: options) { x in
            [dot(x[0], x[1], contracting: [(0, 0), (1, 1)])]
        }
    }

    @Test func areSorted() throws {
        try expectReads(products: .generated) { value, _ in argsort(value).cast(.f32) }
        // Bit for bit the same numbers go into both orders: the sort of what is stored, and of what is handed out.
        let graph = try functionGraph([f32(2, 1), f32(1, Self.width), f32(Self.width, 1)]) { x in
            let value = matmul(x[0], x[1])
            return [argsort(value), value * 1, matmul(value, x[2])]
        }
        var numbers = (0..<Self.width).map { Double($0 * 389 % 1024) }
        numbers.swapAt(0, 7)
        let inputs = [
            "x0": HostTensor(f32(2, 1), [1, -1]), "x1": HostTensor(f32(1, Self.width), numbers),
            "x2": HostTensor(f32(Self.width, 1), fill: 1),
        ]
        try expectMatchesInterpreter(graph, inputs: inputs, tolerance: 0, by: differences)
    }
}
