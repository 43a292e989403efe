import ApusCodegen
import ApusFiles
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
        #expect(file.program == compilation.program && file.code == compilation.code)
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
        var file = try compilation().file
        file.weights = ["positions": try TensorData([Float](repeating: 1, count: 17 * 24), shape: [17, 24])]
        let bytes = try file.encoded()
        #expect(message(bytes) == "no error")
        #expect(message([]) == "f: not a program of Apus, or one of another version")
        var older = bytes
        older[13] = 0x33
        #expect(message(older) == "f: not a program of Apus, or one of another version")
        #expect(message(Array(bytes.prefix(20))) == "f: the file ends before its header")
        #expect(message(Array(bytes.prefix(60))).hasPrefix("f: a header of "))
        #expect(message(Array(bytes.dropLast())).contains("bytes are announced behind the header"))
        #expect(message(bytes + [0]).contains("bytes are announced behind the header"))
        func flipped(_ place: Int) -> String {
            var changed = bytes
            changed[place] ^= 1
            return message(changed)
        }
        #expect(flipped(bytes.count - 100) == "f: the weights are damaged")
        #expect(flipped(2000) == "f: the header is damaged: it does not have the SHA-256 that stands before it")
        let code = try #require(
            bytes.withUnsafeBytes { whole in
                file.code.bytes.withUnsafeBytes { code in
                    (0..<whole.count - code.count).first { whole[$0..<$0 + 64].elementsEqual(code[..<64]) }
                }
            })
        #expect(flipped(code + 70) == "f: the code is damaged: it does not have the SHA-256 that the header gives")
    }

    /// Every byte of a small file counts.
    @Test func everyByteFlippedOnce() throws {
        let builder = GraphBuilder(name: "tiny")
        let x = builder.input(Input("x", TensorType(.f32, [3]))),
            w = builder.parameter(Parameter("w", TensorType(.f32, [3]), .ones))
        builder.output("y", x * w + builder.add(Constant(TensorType(.f32, [3]), values: [1, 2, 3]), []))
        var file = try GraphCompiler(cache: nil).compile(builder.finish()).file
        file.weights = ["w": try TensorData([4, 5, 6] as [Float])]
        let bytes = try file.encoded()
        #expect(message(bytes) == "no error")
        var unnoticed: [Int] = []
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= UInt8(1 << (place % 8))
            if message(changed) == "no error" { unnoticed.append(place) }
        }
        #expect(unnoticed.isEmpty)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(message(Array(bytes.prefix(count))) != "no error")
        }
    }

    /// Weights of a file are where they are in the file until a run changes them; the file stays as it is.
    @Test func weightsOfAFile() throws {
        let graph = try transformerStep(), compilation = try compilation()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = ProgramState()
        try first.add(compilation.program.parameters, seed: 5)
        var file = compilation.file
        for name in first.names where name != "positions" { file.weights[name] = try first.read(name) }
        let path = folder.path + "/step.apus"
        try file.write(to: path)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))

        let read = try ProgramFile(contentsOf: path),
            inputs = randomInputs(for: graph, seed: 6).mapValues { TensorData($0) }
        #expect(read.weights == file.weights)
        let expected = try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 2)).run(first, inputs)
        let runner = try ProgramRunner(read.loaded(name: path), pool: WorkerPool(threads: 2))
        for _ in 0..<2 {
            let state = try read.state(seed: 5)
            #expect(try runner.run(state, inputs) == expected)
            #expect(try first.names.allSatisfy { try state.read($0) == first.read($0) })
        }
        #expect(read.weights == file.weights)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        #expect(throws: FileError.self) { try ProgramFile(contentsOf: folder.path) }
        #expect(throws: FileError.self) { try ProgramFile(contentsOf: folder.path + "/absent.apus") }
    }

    /// A header that is well-formed and lies about memory.
    @Test func lyingFiles() throws {
        let compilation = try compilation()
        func refused(_ change: (inout Program) throws -> Void) throws -> String {
            var file = compilation.file
            try change(&file.program)
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
            }.hasSuffix("reaches outside of the memory that it may read or write"))
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
        // So many products of the same matrices cannot be counted.
        #expect(
            try refused { program in
                for number in program.steps.indices {
                    guard case .matmul(var matmul) = program.steps[number].work else { continue }
                    let none = [Int](repeating: 0, count: 3)
                    matmul.batch += [Int](repeating: 1 << 31, count: 3)
                    matmul.a.batchStrides += none
                    matmul.b.batchStrides += none
                    matmul.c.batchStrides += none
                    program.steps[number].work = .matmul(matmul)
                }
            }.hasSuffix("reaches outside of the memory that it may read or write"))
        #expect(try refused { $0.updates.append(.max) }.contains("the parameters that a run changes are ["))
        #expect(try refused { $0.updates.append(0) }.contains("the parameters that a run changes are ["))
        // What no run changes is not written.
        #expect(
            try refused { program in
                let place = try #require(program.steps.firstIndex { if case .matmul = $0.work { true } else { false } })
                guard case .matmul(var matmul) = program.steps[place].work else { return }
                program.parameters.append(Parameter("more", TensorType(.f32, [1 << 20]), .zeros))
                matmul.c.location = Location(.parameter(program.parameters.count - 1))
                program.steps[place].work = .matmul(matmul)
            }.hasSuffix("reaches outside of the memory that it may read or write"))
        var foreign = compilation.file
        foreign.target.features.append("telepathy")
        #expect(
            message(try foreign.encoded())
                == "f: the code is for \(foreign.target.processor) and needs telepathy, which this machine does not have; "
                + "compile the program for it")
        foreign.target.architecture = "abacus"
        #expect(message(try foreign.encoded()).hasPrefix("f: the code is for abacus, and this program for "))
    }
}
