import ApusIR
import ApusRuntime
import Testing

struct ProgramStateTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private let weight = Parameter("w", TensorType(.f32, [2, 3]), .normal(deviation: 1))

    @Test func namesAndTypes() throws {
        let state = ProgramState()
        try state.add([weight, Parameter("a", TensorType(.i32, []), .zeros, trainable: false)], seed: 1)
        #expect(state.names == ["a", "w"])
        #expect(state.type(of: "w") == TensorType(.f32, [2, 3]))
        #expect(state.type(of: "b") == nil)
        #expect(try state.read("a") == TensorData([Int32(0)], shape: []))
    }

    /// The numbers belong to seed and name; a parameter that is there keeps its own.
    @Test func initialisation() throws {
        let one = ProgramState(), two = ProgramState()
        try one.add([weight], seed: 5)
        try two.add([Parameter("v", weight.type, weight.initializer), weight], seed: 5)
        #expect(try one.read("w") == two.read("w"))
        #expect(try two.read("v") != two.read("w"))
        let before = try one.read("w")
        try one.add([weight], seed: 6)
        #expect(try one.read("w") == before)
    }

    @Test func writes() throws {
        let state = ProgramState(), data = TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        try state.add([weight], seed: 0)
        try state.write("w", data)
        #expect(try state.read("w") == data)
        #expect(try state.withBytes("w") { Array($0.bindMemory(to: Float.self)) } == [1, 2, 3, 4, 5, 6])
    }

    @Test func errors() throws {
        let state = ProgramState()
        try state.add([weight], seed: 0)
        #expect(message { _ = try state.read("b") } == "the state has no parameter 'b'")
        #expect(message { try state.withBytes("b") { _ in } } == "the state has no parameter 'b'")
        #expect(message { try state.write("b", TensorData(1)) } == "the state has no parameter 'b'")
        #expect(message { try state.write("w", TensorData(1)) } == "'w' is f32[2,3], given f32[]")
        #expect(
            message { try state.add([Parameter("w", TensorType(.f32, [6]), .zeros)], seed: 0) }
                == "'w' is f32[2,3] in the state, f32[6] in the program")
        #expect(
            message { try state.add([Parameter("large", TensorType(.f32, [1 << 24, 1 << 20]), .zeros)], seed: 0) }
                == "70368744177664 bytes for tensors cannot be had; use a smaller batch or a smaller model")
        #expect(state.names == ["w"])
    }
}
