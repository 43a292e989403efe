import ApusIR
import ApusRuntime
import Testing

struct TensorDataTests {
    @Test(arguments: [ElementType.f32, .bf16, .f64, .i32, .bool])
    func goesToTheInterpreterAndBack(_ element: ElementType) {
        let values: [Double] =
            switch element {
            case .bool: [0, 1, 1, 0, 1, 0]
            case .i32: [0, -1, 2_147_483_647, -2_147_483_648, 7, -9]
            default: [0, -1.5, .infinity, -.infinity, 0.15625, 1024]
            }
        let tensor = HostTensor(TensorType(element, [2, 3]), values)
        #expect(TensorData(tensor).hostTensor == tensor)
    }

    @Test func rounds() {
        let thirds = HostTensor(TensorType(.bf16, [3]), [1 / 3, 1 + 1 / 256, .nan])
        let data = TensorData(thirds).hostTensor.values
        // Nearest even of 8 significant bits; NaN stays NaN.
        #expect(data[0] == 0.333984375 && data[1] == 1 && data[2].isNaN)
    }

    @Test func accessors() throws {
        #expect(try TensorData([1, 2] as [Float]).type == TensorType(.f32, [2]))
        #expect(try TensorData([1, 2] as [Int32], shape: [2, 1]).integers == [1, 2])
        #expect(try TensorData([1, 2] as [Int32]).floats == [1, 2])
        #expect(try TensorData([1.75, -2] as [Float]).integers == [1, -2])
        #expect(TensorData(3.5).scalar == 3.5)
    }

    /// Literals, and arrays of what numbers usually are in Swift.
    @Test func everyKindOfNumberIsTaken() throws {
        #expect(try TensorData([1, 2, 3], shape: [3]) == TensorData([1, 2, 3] as [Int32]))
        #expect(try TensorData([0.1, 2]) == TensorData([0.1, 2] as [Float]))
        #expect(try TensorData([true, false], shape: [2, 1]).type == TensorType(.bool, [2, 1]))
        #expect(try TensorData([true, false]).integers == [1, 0])
        let doubles = [0.1, 1e300], integers = [7, -8]
        #expect(try TensorData(doubles).floats == [0.1, .infinity])
        #expect(try TensorData(integers, shape: [1, 2]).type == TensorType(.i32, [1, 2]))
        #expect(try TensorData(integers).integers == [7, -8])
    }

    @Test func whatDoesNotFitItsTypeIsAnError() {
        func message(_ make: () throws(RuntimeError) -> TensorData) -> String {
            do {
                return "\(try make().type)"
            } catch {
                #expect(error.code == .type)
                return error.message
            }
        }
        #expect(
            message { () throws(RuntimeError) in try TensorData([1, 2, 3], shape: [2, 2]) }
                == "i32[2,2] holds 4 values, given 3")
        #expect(
            message { () throws(RuntimeError) in try TensorData([1.5], shape: []) } == "f32[]")
        #expect(
            message { () throws(RuntimeError) in try TensorData([1.5, 2], shape: []) }
                == "f32[] holds 1 values, given 2")
        for shape in [[0], [-1, -1], [1, -1], [1 << 40, 1 << 40], [.max, .max]] {
            #expect(
                message { () throws(RuntimeError) in try TensorData([true], shape: shape) }
                    == "\(TensorType(.bool, shape)) is no shape of a tensor: every extent is at least 1")
        }
        #expect(
            message { () throws(RuntimeError) in try TensorData([] as [Float]) }
                == "f32[0] is no shape of a tensor: every extent is at least 1")
        #expect(
            message { () throws(RuntimeError) in try TensorData([5, 1 << 31]) }
                == "value 1 is 2147483648, which does not fit 32 bits")
    }

    @Test func numbersWithoutAnIntegerHaveOneAllTheSame() throws {
        let odd: [Float] = [.nan, .infinity, -.infinity, 3e9, -3e9]
        let expected: [Int32] = [0, .max, .min, .max, .min]
        #expect(try TensorData(odd).integers == expected)
        #expect(TensorData(HostTensor(TensorType(.i32, [5]), odd.map(Double.init))).integers == expected)
        // A tensor that was given other values than it holds.
        var tensor = HostTensor(TensorType(.f32, [2]), [1, 2])
        tensor.values = [3]
        #expect(TensorData(tensor).floats == [3, 0])
        tensor.values = [3, 4, 5]
        #expect(TensorData(tensor).floats == [3, 4])
    }
}
