import ApusIR
import ApusRuntime
import Foundation
import Synchronization
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
        let state = ProgramState(), data = try TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
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

    @Test func parametersBeyondAnyMemoryAreErrors() throws {
        let state = ProgramState()
        for shape in [[1 << 40, 1 << 40], [.max], [-1], [0]] {
            #expect(
                message { try state.add([Parameter("w", TensorType(.f32, shape), .zeros)], seed: 0) }
                    == "'w' is \(TensorType(.f32, shape)), which is no shape of a tensor")
        }
        let many = (0..<5000).map { Parameter("\($0)", TensorType(.f32, [1 << 48]), .zeros) }
        #expect(message { try state.add(many, seed: 0) }.hasSuffix("use a smaller batch or a smaller model"))
        #expect(state.names.isEmpty)
    }

    /// As many at once as there are, in the order of the names.
    @Test func manyParametersAreReadTogether() throws {
        let state = ProgramState(), names = (0..<20_000).map { "w\($0)" }
        try state.add(names.map { Parameter($0, TensorType(.f32, [1]), .zeros) }, seed: 0)
        try state.write("w19999", TensorData([7] as [Float]))
        try state.withBytes(of: names) { memory in
            #expect(memory.count == 20_000 && memory.allSatisfy { $0.count == 4 })
            #expect(memory[19_999].load(as: Float.self) == 7 && memory[19_998].load(as: Float.self) == 0)
            // A body may use the state.
            let again = try state.read("w19999")
            #expect(again.floats == [7])
        }
        #expect(message { try state.withBytes(of: ["w0", "x"]) { _ in } } == "the state has no parameter 'x'")
    }

    /// Threads that add, write, read and list at once: each sees what one of them has written, whole.
    @Test(.timeLimit(.minutes(1))) func threadsShareAState() throws {
        let state = ProgramState(), failures = Mutex<[String]>([])
        let type = TensorType(.f32, [4096])
        try state.add([Parameter("shared", type, .zeros)], seed: 0)
        DispatchQueue.concurrentPerform(iterations: 64) { turn in
            do {
                for round in 0..<20 {
                    try state.add([Parameter("\(turn).\(round)", TensorType(.f32, [8]), .zeros)], seed: 0)
                    try state.write("shared", TensorData([Float](repeating: Float(turn), count: 4096)))
                    let seen = try state.read("shared").floats
                    if Set(seen).count != 1 { failures.withLock { $0.append("torn: \(Set(seen))") } }
                    _ = state.names
                    state.exclusively { state.step += 1 }
                }
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 }.isEmpty)
        #expect(state.names.count == 64 * 20 + 1 && state.step == 64 * 20)
    }
}
