import ApusCodegen
import ApusIR
import ApusTransforms
import Testing

/// Matmuls whose contracted axis is too long for one kernel, and whose axes do not lie together.
struct LongContractionTests {
    /// The gradient of a 3×3 convolution's kernel, which contracts images, rows and columns: 8192 numbers.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func gradientOfAConvolution(products: CompilerOptions.Products) throws {
        let builder = GraphBuilder(name: "convolution")
        let images = builder.input(Input("images", f32(8, 3, 32, 32)))
        let kernel = builder.parameter(Parameter("kernel", f32(8, 3, 3, 3), .zeros))
        let loss = mean(tanh(convolution(images, kernel: kernel, padding: 1)))
        let differentiated = try differentiate(builder.finish(), loss: loss.value, withRespectTo: [kernel.value])
        let extended = GraphBuilder(extending: differentiated.graph)
        extended.output("gradient", extended.tensor(try #require(differentiated.gradients[0])) * 1000)
        let graph = try extended.finish()
        let numbers: [Double] = (0..<images.type.count).map { Double($0 * 31 % 61) / 32 - 1 }
        let weights: [Double] = (0..<kernel.type.count).map { Double($0 * 17 % 23) / 64 - 0.2 }
        try expectMatchesInterpreter(
            graph, inputs: ["images": HostTensor(f32(8, 3, 32, 32), numbers)],
            parameters: ["kernel": HostTensor(f32(8, 3, 3, 3), weights)], tolerance: 1e-5,
            options: CompilerOptions(products: products), "\(products)")
    }

    /// Contracted axes in another order in the second operand, and a batch axis that comes last.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas], [CompilerOptions.Precision.float32, .bfloat16])
    func partsAreGrouped(products: CompilerOptions.Products, precision: CompilerOptions.Precision) throws {
        let options = CompilerOptions(precision: precision, products: products)
        let tolerance = precision == .float32 ? 2e-5 : 2e-2
        try expectFunction([f32(96, 12, 8, 8), f32(96, 8, 8, 12)], tolerance: tolerance, options: options) { x in
            [dot(x[0], x[1], contracting: [(0, 0), (2, 1), (3, 2)])]
        }
        try expectFunction([f32(80, 5, 64), f32(64, 80, 3)], tolerance: tolerance, options: options) { x in
            [dot(x[0], x[1], contracting: [(0, 1), (2, 0)])]
        }
        try expectFunction([f32(7, 4500, 3), f32(4500, 5, 3)], tolerance: tolerance, options: options) { x in
            [dot(x[0], x[1], batch: [(2, 2)], contracting: [(1, 0)])]
        }
    }
}
