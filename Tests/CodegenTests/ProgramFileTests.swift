import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Foundation
import Testing

/// Programs as data: written, read back, and run with the same bits.
struct ProgramFileTests {
    private func compilation() throws -> Compilation {
        try GraphCompiler(CompilerOptions(products: .openblas), cache: nil).compile(
            transformerStep())
    }

    private func run(_ loaded: LoadedProgram, _ graph: Graph) throws -> ([String: TensorData], [TensorData]) {
        let state = ProgramState()
        try state.add(loaded.program.parameters, seed: 5)
        let runner = try ProgramRunner(loaded, pool: WorkerPool(threads: 2))
        let outputs = try runner.run(state, randomInputs(for: graph, seed: 6).mapValues { TensorData($0) })
        return (outputs, try state.names.map { try state.read($0) })
    }

    @Test func readBackRunsWithTheSameBits() throws {
        let graph = try transformerStep(), compilation = try compilation()
        let bytes = try compilation.file.encoded()
        let file = try ProgramFile(decoding: bytes, name: "x")
        #expect(file.program == compilation.program && file.objects == compilation.objects)
        #expect(try file.encoded() == bytes)
        let before = try run(compilation.loaded, graph), after = try run(file.loaded(name: "x"), graph)
        #expect(before.0 == after.0 && before.1 == after.1)
        #expect(file.program.description.contains("library") && file.program.description.contains("kernel_0("))
    }

    private func message(_ bytes: [UInt8]) -> String {
        do {
            _ = try ProgramFile(decoding: bytes, name: "f").loaded(name: "f")
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func damagedFiles() throws {
        let bytes = try compilation().file.encoded()
        #expect(message([]) == "f: not a program of Apus, or one of another version")
        #expect(message(Array(bytes.prefix(20))) == "f: the file ends in its first line")
        #expect(message(Array(bytes.prefix(40))).hasPrefix("f: a header of "))
        #expect(message(Array(bytes.dropLast())).hasPrefix("f: the file ends within object "))
        #expect(message(bytes + [0]) == "f: 1 bytes follow the last object")
        var flipped = bytes
        flipped[bytes.count - 100] ^= 1
        #expect(message(flipped).hasSuffix("is damaged: it does not have the SHA-256 that the header gives"))
        for place in stride(from: 0, to: min(bytes.count, 6000), by: 37) {
            var changed = bytes
            changed[place] ^= 0x11
            // Whatever it says, it does not end the process.
            _ = try? ProgramFile(decoding: changed, name: "f")
        }
    }

    /// A header that is well-formed and lies about memory.
    @Test func lyingFiles() throws {
        let compilation = try compilation()
        func refused(_ change: (inout Program) -> Void) throws -> String {
            var file = compilation.file
            change(&file.program)
            return message(try file.encoded())
        }
        #expect(try refused { $0.arenaBytes = 64 }.hasSuffix("lies outside of the program's memory"))
        #expect(try refused { $0.arenaBytes = -1 }.hasPrefix("f: the program wants -1 bytes"))
        #expect(try refused { $0.inputs[0].location.byteOffset = .max }.hasSuffix("lies elsewhere"))
        #expect(try refused { $0.inputs.append($0.inputs[0]) }.hasSuffix("is there twice"))
        #expect(
            try refused {
                $0.constants = []; $0.outputs[0].location = Location(.parameter(-1))
            }.contains("outside"))
        #expect(
            try refused { program in
                for number in program.steps.indices {
                    guard case .matmul(var matmul) = program.steps[number].work else { continue }
                    matmul.c.rowStride = 1 << 39
                    program.steps[number].work = .matmul(matmul)
                }
            }.hasSuffix("reaches outside of the program's memory"))
        #expect(
            try refused { program in
                for number in program.steps.indices {
                    guard case .kernel(_, let arguments, let count, let grain) = program.steps[number].work else {
                        continue
                    }
                    program.steps[number].work = .kernel(
                        symbol: "absent", arguments: arguments, count: count, grain: grain)
                }
            }.contains("absent"))
        var foreign = compilation.file
        foreign.target.features += ",+telepathy"
        #expect(
            message(try foreign.encoded())
                == "f: the code is for \(foreign.target.cpu) and needs telepathy, which this machine does not have; compile "
                + "the program here")
    }
}
