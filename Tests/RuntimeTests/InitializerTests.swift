import ApusIR
import ApusRuntime
import Testing

/// Start values of parameters, for all types of numbers.
struct InitializerTests {
    private func values(_ type: TensorType, _ initializer: Initializer, seed: UInt64 = 3) throws -> [Double] {
        let state = ProgramState()
        try state.add([Parameter("p", type, initializer)], seed: seed)
        return try state.read("p").hostTensor.values
    }

    private func message(_ type: TensorType, _ initializer: Initializer) -> String {
        do {
            _ = try values(type, initializer)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func constantsOfAllTypes() throws {
        #expect(try values(TensorType(.i32, [3]), .ones) == [1, 1, 1])
        #expect(try values(TensorType(.i32, []), .constant(-7)) == [-7])
        #expect(try values(TensorType(.bool, [2]), .ones) == [1, 1])
        #expect(try values(TensorType(.bf16, [2]), .constant(0.5)) == [0.5, 0.5])
        #expect(try values(TensorType(.f64, [1]), .constant(0.1)) == [0.1])
        #expect(try values(TensorType(.f32, [2]), .constant(0.1)) == [Double(Float(0.1)), Double(Float(0.1))])
    }

    /// A narrow parameter has the numbers of a wide one, rounded.
    @Test(arguments: [
        Initializer.normal(deviation: 0.02), .normal(mean: -1, deviation: 0.02), .truncatedNormal(deviation: 1),
        .uniform(bound: 0.3), .xavierUniform, .sineCosine2D(grid: 2, leadingZeros: 1),
    ])
    func narrowTypesRound(initializer: Initializer) throws {
        let wide = try values(TensorType(.f32, [1, 5, 8]), initializer)
        #expect(try values(TensorType(.bf16, [1, 5, 8]), initializer) == wide.map(ElementType.bf16.rounded))
        #expect(wide.contains { $0 != 0 })
    }

    /// However wide the distribution, numbers within ±2 are found soon.
    @Test(arguments: [0.02, 1.0, 2.0, 3.0, 1e6, 1e300])
    func truncatedNormalsEnd(deviation: Double) throws {
        let values = try values(TensorType(.f32, [4000]), .truncatedNormal(deviation: deviation))
        #expect(values.allSatisfy { abs($0) <= 2 })
        let mean = values.reduce(0, +) / 4000, square = values.reduce(0) { $0 + $1 * $1 } / 4000
        #expect(abs(mean) < 0.08)
        // Of a uniform distribution in ±2 the variance is 4/3; of a normal one cut off there it is less.
        let expected = [0.02: 0.0004, 1: 0.7737, 2: 1.1648, 3: 1.2551][deviation] ?? 4.0 / 3
        #expect(abs(square - expected) < 0.06 * expected, "\(square)")
    }

    /// With a mean the same numbers are drawn, moved.
    @Test func normalsAreScaledAndMoved() throws {
        let type = TensorType(.f64, [4000]), standard = try values(type, .normal(deviation: 1))
        #expect(try values(type, .normal(mean: 3, deviation: 0.5)) == standard.map { 3 + $0 * 0.5 })
        #expect(try values(type, .normal(mean: 3, deviation: 0)).allSatisfy { $0 == 3 })
        let mean = standard.reduce(0, +) / 4000, square = standard.reduce(0) { $0 + $1 * $1 } / 4000
        #expect(abs(mean) < 0.08 && abs(square - 1) < 0.1)
    }

    @Test func refusesWhatDoesNotFit() {
        #expect(
            message(TensorType(.f32, [2]), .normal(mean: .infinity, deviation: 1))
                == "the parameter 'p', f32[2], cannot be filled: inf is no mean of a distribution")
        #expect(
            message(TensorType(.f32, [1, 5, 8]), .sineCosine2D(grid: 100))
                == "the parameter 'p', f32[1,5,8], cannot be filled: the table has the shape [1,10000,dim] with a dim that is a "
                + "multiple of 4")
        #expect(
            message(TensorType(.f32, [1, 4, 8]), .sineCosine2D(grid: .max, leadingZeros: 1))
                == "the parameter 'p', f32[1,4,8], cannot be filled: the table has the shape [1,zeros+grid²,dim] with a dim that is a "
                + "multiple of 4")
        #expect(
            message(TensorType(.f32, [2]), .truncatedNormal(deviation: .infinity))
                == "the parameter 'p', f32[2], cannot be filled: inf is no width of a distribution")
        #expect(
            message(TensorType(.f32, [2]), .normal(deviation: .nan))
                == "the parameter 'p', f32[2], cannot be filled: nan is no width of a distribution")
        #expect(
            message(TensorType(.f32, [2]), .uniform(bound: -1))
                == "the parameter 'p', f32[2], cannot be filled: -1.0 is no width of a distribution")
        #expect(
            message(TensorType(.i32, [2]), .normal(deviation: 1))
                == "the parameter 'p', i32[2], cannot be filled: random numbers and tables are of floating point")
        #expect(
            message(TensorType(.i32, [2]), .constant(0.5))
                == "the parameter 'p', i32[2], cannot be filled: i32 does not hold 0.5")
        #expect(
            message(TensorType(.i32, [2]), .constant(3e9))
                == "the parameter 'p', i32[2], cannot be filled: i32 does not hold 3000000000.0")
        #expect(
            message(TensorType(.f32, [2]), .constant(.nan))
                == "the parameter 'p', f32[2], cannot be filled: NaN is no start value")
    }
}
