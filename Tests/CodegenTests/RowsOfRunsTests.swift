import ApusCodegen
import ApusIR
import ApusLLVM
import ApusTestSupport
import Testing

/// Matmuls of operands whose contracted axes lie apart in memory: their rows are read where they lie, run by run
/// (`Cases/kernels-rows-of-runs.graph` has the kernel).
struct RowsOfRunsTests {
    /// Runs of one element to more than a vector, a few of them and one, on either side.
    @Test(arguments: [1, 2, 3, 4, 5, 9, 15, 16, 17, 40], [1, 2, 7])
    func areRead(run: Int, count: Int) throws {
        try expectFunction(
            [
                f32(count, 19, run), f32(count, run, 33), f32(33, count, run), bf16(count, 19, run),
                bf16(count, run, 33),
            ],
            tolerance: 1e-2, by: relativeError, "runs of \(run), \(count) of them"
        ) { x in
            [
                dot(x[0], x[1], contracting: [(0, 0), (2, 1)]), dot(x[2], x[0], contracting: [(1, 0), (2, 2)]),
                dot(x[1], x[0], contracting: [(0, 0), (1, 2)]), dot(x[3], x[4], contracting: [(0, 0), (2, 1)]),
            ]
        }
        try expectFunction([f32(count, 19, run), f32(count, run, 33)], "runs of \(run), \(count) of them") { x in
            [dot(x[0], x[1], contracting: [(0, 0), (2, 1)]), dot(x[1], x[0], contracting: [(0, 0), (1, 2)])]
        }
    }

    /// With a batch, in parts of a longer axis, and on lesser machines.
    @Test(arguments: TargetLevelTests.levels, [5, 24])
    func areReadEverywhere(_ level: TargetDescription.Level, run: Int) throws {
        let target = try TargetDescription.host().restricted(to: level)
        try expectFunction(
            [f32(3, 4, 17, run), f32(3, 4, run, 20), f32(9, 17, run), f32(9, run, 20)], target: target, "\(level)"
        ) { x in
            [
                dot(x[0], x[1], batch: [(0, 0)], contracting: [(1, 1), (3, 2)]),
                dot(x[2].slice(1..<8, axis: 0), x[3].slice(2..<9, axis: 0), contracting: [(0, 0), (2, 1)]),
                relu(dot(x[2], x[3], contracting: [(0, 0), (2, 1)])) * 2,
            ]
        }
    }
}
