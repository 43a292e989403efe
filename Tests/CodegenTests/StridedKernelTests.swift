import ApusCodegen
import ApusIR
import ApusLLVM
import ApusTestSupport
import Testing

/// Elements that lie a few apart, or come from two places in turn: read as vectors and put in order, exactly, and
/// nothing beyond the operands is read.
struct StridedKernelTests {
    /// Of rows and of single rows, from all starts, of all types, with and without a part of a vector at the end.
    @Test(arguments: TargetLevelTests.levels, [2, 3, 4, 5])
    func slices(_ level: TargetDescription.Level, step: Int) throws {
        let target = try TargetDescription.host().restricted(to: level)
        for extent in oddExtents.dropLast(2) where extent > step {
            try expectFunction(
                [f32(3, extent), i32(extent), TensorType(.bool, [5, extent]), bf16(extent)], tolerance: 0,
                by: differences, target: target, "\(level), \(extent), step \(step)"
            ) { x in
                x.flatMap { x in
                    (0..<step).map { x.slice($0..<extent, axis: x.rank - 1, step: step).copied() }
                } + [x[0].padded(low: [1, 2], high: [0, 3]).slice(0..<extent, axis: 1, step: step) * 2]
            }
        }
    }

    /// Two phases of rows, of columns and of both, of even and odd extents.
    @Test(arguments: TargetLevelTests.levels, [1, 7, 8, 16, 28, 33])
    func phases(_ level: TargetDescription.Level, extent: Int) throws {
        let target = try TargetDescription.host().restricted(to: level)
        func interleaved(_ x: Tensor, _ order: [Int], _ shape: [Int]) -> Tensor {
            x.transpose(order).reshape(shape).copied()
        }
        try expectFunction(
            [f32(2, 3, extent), f32(2, 3, 5, 2, extent), i32(2, 2, 3, extent), bf16(2, 3, extent)], tolerance: 0,
            by: differences, target: target, "\(level), \(extent)"
        ) { x in
            [
                interleaved(x[0], [1, 2, 0], [3, 2 * extent]),
                interleaved(x[1], [1, 2, 4, 0, 3], [3, 5 * extent, 4]),
                interleaved(x[1], [1, 2, 3, 4, 0], [3, 5, 2, 2 * extent]),
                interleaved(x[2], [2, 0, 3, 1], [3, 4 * extent]), interleaved(x[3], [1, 2, 0], [3, 2 * extent]),
                interleaved(x[0], [1, 2, 0], [3, 2 * extent]).slice(0..<2 * extent - 1, axis: 1).copied(),
                interleaved(relu(x[0]) + 1, [2, 1, 0], [extent, 6]),
            ]
        }
    }
}
