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

    @Test func accessors() {
        #expect(TensorData([1, 2] as [Float]).type == TensorType(.f32, [2]))
        #expect(TensorData([1, 2] as [Int32], shape: [2, 1]).integers == [1, 2])
        #expect(TensorData([1, 2] as [Int32]).floats == [1, 2])
        #expect(TensorData([1.75, -2] as [Float]).integers == [1, -2])
        #expect(TensorData(3.5).scalar == 3.5)
    }
}
