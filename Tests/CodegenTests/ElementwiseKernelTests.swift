import ApusCodegen
import ApusIR
import ApusTestSupport
import Testing

/// Element-wise kernels against the interpreter.
struct ElementwiseKernelTests {
    @Test(arguments: oddExtents)
    func chains(extent: Int) throws {
        try expectFunction([f32(extent), f32(extent)]) { x in
            let y = tanh(x[0] * 0.7 + x[1]) * exp(x[1] * -0.5)
            return [
                y, sqrt(abs(y) + 1) - erf(x[0]), sin(x[0] * 3) * cos(x[1]), log(x[0] * x[0] + 0.5),
                power(abs(x[0]) + 0.5, x[1]),
            ]
        }
    }

    /// Rows, columns, scalars and middle axes stretched over a tensor.
    @Test(arguments: oddExtents)
    func broadcasts(extent: Int) throws {
        try expectFunction([f32(5, extent), f32(extent), f32(5, 1), f32(), f32(1, 1)]) { x in
            [x[0] * x[1] + x[2] - x[3] * x[4], (x[1] + x[3]) / (abs(x[2]) + 1), maximum(x[0], x[2])]
        }
        try expectFunction([f32(3, extent, 4), f32(extent, 1), f32(3, 1, 4), f32(extent, 4), f32(3, extent, 1)]) { x in
            [x[0] + x[1] * x[2], x[3] * x[4] - x[0], x[2] + x[1]]
        }
        try expectFunction([f32(2, 1, 3, 1), f32(extent, 1, 5)]) { x in [x[0] * x[1], x[0] - x[1] + 1] }
    }

    @Test(arguments: oddExtents)
    func integers(extent: Int) throws {
        try expectFunction([i32(extent), i32(extent)], tolerance: 0, by: differences) { x in
            [
                x[0] * x[1] - 3, -x[0], maximum(x[0], x[1]), minimum(x[0], -x[1]),
                select(less(x[0], x[1]), x[0], x[1] * 2),
            ]
        }
    }

    private static let specials: [Double] = [
        0, -0.0, 1, -1, 0.5, -0.5, 1.5, -2.5, 0.99999994, 3e9, -3e9, 2_147_483_520, -2_147_483_648, 1e-40, 3e38,
        .infinity, -.infinity, .nan,
        1.00390625, 1.01171875, 1.0039063, 1.0039062, 255.5, 3.3961775e38, -3.3961776e38,
    ].map { Double(Float($0)) }

    /// What a type can hold of the special numbers.
    private static func numbers(_ element: ElementType) -> [Double] {
        switch element {
        case .bool: specials.indices.map { Double($0 % 3 == 0 ? 0 : 1) }
        case .i32:
            [0, 1, -1, 7, -7, 255, 256, 257, 258, -259, 65_535, 16_777_215, -16_777_216, 2_147_483_647, -2_147_483_648]
                + (0..<10).map { Double($0 * 12_345) }
        default: specials.map(element.rounded)
        }
    }

    private static let elements: [ElementType] = [.f32, .bf16, .i32, .bool]

    @Test(arguments: elements, elements)
    func casts(from source: ElementType, to target: ElementType) throws {
        let numbers = Self.numbers(source)
        // The interpreter does not round to f32; of i32 only f32's rounding shows it.
        try expectFunction(
            [TensorType(source, [numbers.count])], values: [0: numbers], tolerance: 0,
            by: { differences($0, HostTensor($1.type, $1.values.map(target.rounded))) }
        ) { x in [x[0].cast(target)] }
    }

    @Test(arguments: [ElementType.f32, .bf16, .i32], Compare.Direction.allCases)
    func comparisons(_ element: ElementType, _ direction: Compare.Direction) throws {
        let numbers = Self.numbers(element), count = numbers.count
        // Each number with each.
        let left = (0..<count * count).map { numbers[$0 / count] },
            right = (0..<count * count).map { numbers[$0 % count] }
        let type = TensorType(element, [count * count])
        try expectFunction([type, type], values: [0: left, 1: right], tolerance: 0, by: differences) { x in
            let holds = x[0].builder.add(Compare(direction), [x[0], x[1]])
            return [holds, select(holds, x[0], x[1])]
        }
    }

    @Test(arguments: [ElementType.f32, .bf16, .i32])
    func maximumAndMinimumPropagateNaN(_ element: ElementType) throws {
        let numbers = Self.numbers(element), count = numbers.count
        let left = (0..<count * count).map { numbers[$0 / count] },
            right = (0..<count * count).map { numbers[$0 % count] }
        let type = TensorType(element, [count * count])
        try expectFunction([type, type], values: [0: left, 1: right], tolerance: 0, by: differences) { x in
            [maximum(x[0], x[1]), minimum(x[0], x[1])]
        }
    }

    @Test func selectsBetweenTruthValues() throws {
        let type = TensorType(.bool, [33])
        try expectFunction([type, type, type, TensorType(.bool, [])], tolerance: 0, by: differences) { x in
            [select(x[0], x[1], x[2]), select(x[1], x[3], x[0])]
        }
    }

    /// A result in bf16 is the nearest one to what f32 gives.
    @Test(arguments: oddExtents)
    func brainFloats(extent: Int) throws {
        let type = bf16(3, extent)
        let values = (0..<type.count).map { ElementType.bf16.rounded(Double($0 % 37) * 0.37 - 5) }
        try expectFunction(
            [type, bf16(extent)],
            values: [0: values, 1: (0..<extent).map { ElementType.bf16.rounded(Double($0 % 11) * 0.3) }], tolerance: 0,
            by: { differences($0, HostTensor($1.type, $1.values.map(ElementType.bf16.rounded))) }
        ) { x in [x[0] + x[1], -x[0], x[0] * x[1], maximum(x[0], x[1]), (x[0].cast(.f32) * 3).cast(.bf16)] }
    }
}
