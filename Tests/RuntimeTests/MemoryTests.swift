import ApusIR
import ApusRuntime
import Foundation
import Testing

/// Memory that nobody can read or write beyond, for tests of generated code.
struct GuardedMemoryTests {
    /// The permissions of the page at an address, as Linux tells them.
    private func permissions(at pointer: UnsafeRawPointer) throws -> String? {
        let address = UInt(bitPattern: pointer)
        // The file has no size, and comes in pieces.
        guard let maps = fopen("/proc/self/maps", "r") else { return nil }
        defer { fclose(maps) }
        var buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, Int32(buffer.count), maps) != nil {
            let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = line.split(separator: " "), ends = fields[0].split(separator: "-")
            guard let first = UInt(ends[0], radix: 16), let last = UInt(ends[1], radix: 16) else { continue }
            if first <= address, address < last { return String(fields[1].prefix(3)) }
        }
        return nil
    }

    #if os(Linux)
        @Test(arguments: [1, 64, 100, 4096, 4097, 3 << 20])
        func thePageBehindIsNobodys(byteCount: Int) throws {
            let memory = try Memory.$isGuarded.withValue(true) { try Memory(byteCount: byteCount) }
            let end = memory.pointer + Memory.aligned(byteCount)
            #expect(try permissions(at: end) == "---")
            #expect(try permissions(at: end - 1) == "rw-")
            #expect(try permissions(at: memory.pointer) == "rw-")
            let first = UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: memory.pointer) / 4096 * 4096)!
            #expect(try permissions(at: first - 1) == "---")
            memset(memory.pointer, 1, byteCount)
        }

        @Test func everyTensorHasItsOwn() throws {
            let state = ProgramState(), shape = TensorType(.f32, [3])
            try Memory.$isGuarded.withValue(true) {
                try state.add(["a", "b"].map { Parameter($0, shape, .ones) }, seed: 0)
                let data = try TensorData([1.5, 2.5] as [Float])
                #expect(try permissions(at: data.pointer + 64) == "---")
            }
            for name in ["a", "b"] {
                let found = try state.withBytes(name) { try permissions(at: $0.baseAddress! + 64) }
                #expect(found == "---")
                #expect(try state.read(name).floats == [1, 1, 1])
            }
        }
    #endif
}

/// Memory that holds NaN until it is written, for tests of generated code.
struct PoisonedMemoryTests {
    /// A kernel that tells what it found in its scratch memory, and leaves something else there.
    private struct Teller: KernelLibrary {
        func function(of symbol: String) -> KernelFunction {
            return { arguments, _, _, scratch in
                let number = scratch.assumingMemoryBound(to: Float.self)
                arguments[0].assumingMemoryBound(to: Float.self).pointee = number.pointee
                number.pointee = 5
            }
        }
    }

    /// What two calls of the kernel have found, and what lay where none has written.
    private func found(poisons: Bool) throws -> [Float] {
        let places = (0..<3).map { Location(.arena, byteOffset: $0 * Memory.alignment) }
        let program = Program(
            name: "teller",
            steps: places.prefix(2).map {
                Step(name: "tell", work: .kernel(symbol: "tell", arguments: [$0], count: 1, grain: 1))
            },
            inputs: [],
            outputs: places.enumerated().map { .init(name: "\($0)", type: TensorType(.f32, []), location: $1) },
            parameters: [], updates: [], arenaBytes: 3 * Memory.alignment, scratchBytes: 64, constants: [])
        let runner = try ProgramRunner(
            LoadedProgram(program, Teller()), pool: WorkerPool(threads: 1), poisons: poisons)
        let results = try runner.run(ProgramState(), [:])
        return (0..<3).compactMap { results["\($0)"]?.floats.first }
    }

    @Test func nothingIsFoundThatWasNotWritten() throws {
        #expect(try found(poisons: true).map(\.isNaN) == [true, true, true])
        #expect(try found(poisons: false) == [0, 5, 0])
    }
}
