import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Testing

/// The code of lesser machines, run on this one, gives the interpreter's results too.
struct TargetLevelTests {
    static let levels: [TargetDescription.Level] = (try? TargetDescription.host().availableLevels) ?? []

    @Test func someLevelIsTried() { #expect(!Self.levels.isEmpty) }

    @Test(arguments: levels, [1, 15, 33])
    func kernels(_ level: TargetDescription.Level, extent: Int) throws {
        let target = try TargetDescription.host().restricted(to: level)
        try expectFunction(
            [f32(5, extent), f32(extent), i32(5), bf16(extent), TensorType(.bool, [extent])], target: target,
            "\(level), \(extent)"
        ) { x in
            let y = gelu(x[0]) + x[1]
            return [
                softmax(y), layerNormalization(y, weight: x[1], bias: x[1], epsilon: 0.01), sum(y, axes: [0]),
                maximum(y, axes: [1]),
                gather(y, x[2]), scatterAdd(y, at: x[2], rows: 4),
                y.padded(low: [1, 2], high: [0, 1], interior: [0, 1]), y.transpose([1, 0]) * 2,
                y.slice(0..<extent, axis: 1, step: 2), concatenate([y, x[0]], axis: 1),
                matmul(y, x[0].transpose([1, 0])),
                power(abs(y) + 0.5, x[1]) + sin(y) * cos(y) + log(abs(y) + 1), x[3].cast(.f32) + 1,
                select(x[4], x[1], -x[1]), sum(x[2], axes: [0]),
                scatterAdd(x[1], at: (x[1] * 4).cast(.i32), rows: 3),
            ]
        }
        try expectFunction(
            [f32(extent), i32(2), bf16(extent)], tolerance: 0,
            by: { differences($0, HostTensor($1.type, $1.values.map($1.type.element.rounded))) }, target: target,
            "exact, \(level), \(extent)"
        ) { x in
            [
                randomUniform([2, extent], key: x[1], stream: 3), argsort(x[0]), x[0].cast(.bf16),
                (x[0] * 8).cast(.i32), less(x[0], x[0] * 2), x[2] + x[2],
                maximum(x[0], 0.25), floor(x[0]),
            ]
        }
    }

    @Test(arguments: levels)
    func transformer(_ level: TargetDescription.Level) throws {
        let graph = try transformerStep()
        var inputs = randomInputs(for: graph, seed: 1)
        for (name, value) in ["learning_rate": 0.01, "adam_correction1": 0.1, "adam_correction2": 0.05] {
            inputs[name]?.values = [value]
        }
        var parameters = randomParameters(for: graph, seed: 2)
        for (name, tensor) in parameters {
            // Squares are not negative, and weights are small.
            if name.contains("exp_avg_sq") {
                parameters[name] = HostTensor(tensor.type, tensor.values.map { abs($0) + 0.1 })
            }
            if !name.contains("optimizer") {
                parameters[name] = HostTensor(tensor.type, tensor.values.map { $0 * 0.2 })
            }
        }
        try expectMatchesInterpreter(
            graph, inputs: inputs, parameters: parameters, tolerance: 1e-4, by: largestError,
            target: try TargetDescription.host().restricted(to: level), "\(level)")
    }
}
