import Apus
import ApusInspection
import Foundation
import Testing

/// Graphs from files, run on numbers from files.
struct GraphRunTests {
    private let folder = TemporaryFolder()

    private func run(_ inputs: [String], weights: String? = nil, seed: UInt64 = 0) throws -> GraphRun {
        let graph = try GraphFile(contentsOf: folder.write(linearGraph, to: "linear.graph")).graph
        let files = try inputs.map { try #require(InputFile($0)) }
        let compiler = try Compiler(CompilerOptions(products: .generated), threads: 1, cache: nil)
        return try GraphRun(graph, inputs: files, weights: weights, seed: seed, by: compiler)
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch { return "\(error)" }
    }

    /// The rows 1 2 3 and 4 5 6 as both kinds of files.
    private func files(shape: [Int] = [2, 3]) throws -> (npy: String, safetensors: String) {
        let numbers: [Float] = [1, 2, 3, 4, 5, 6]
        let (npy, safetensors) = (folder.path + "/x.npy", folder.path + "/in.safetensors")
        try NPYFile.write(try TensorData(numbers, shape: shape), to: npy)
        try SafetensorsWriter.write(
            to: safetensors,
            tensors: [
                SafetensorsWriter.Tensor("x", shape, floats: numbers),
                SafetensorsWriter.Tensor("other", [1], floats: [0]),
            ])
        return (npy, safetensors)
    }

    @Test func inputsFromEitherKindOfFile() throws {
        let (npy, safetensors) = try files()
        for argument in ["x=\(npy)", "x=\(safetensors)", safetensors] {
            let run = try run([argument])
            #expect(run.results.map(\.name) == ["y"])
            #expect(try run.results[0].data == TensorData([3, 3, 7.5, 7.5] as [Float], shape: [2, 2]), "\(argument)")
            #expect(run.updates.map(\.name) == ["w"])
            #expect(try run.updates[0].data == TensorData([Float](repeating: 1, count: 6), shape: [3, 2]))
            #expect(run.given.isEmpty && run.initialized == ["w"])
        }
    }

    /// Archives of NumPy's, compressed or not: one array, or all of them.
    @Test(arguments: [false, true]) func inputsFromAnArchive(compressed: Bool) throws {
        let path = folder.path + "/in.npz"
        let x = try TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        try NPZFile.write(["x": x], to: path, compressed: compressed)
        for argument in [path, "x=\(path)"] {
            let run = try run([argument])
            #expect(try run.results[0].data == TensorData([3, 3, 7.5, 7.5] as [Float], shape: [2, 2]), "\(argument)")
        }
        // Beside others, an array is chosen by its name.
        try NPZFile.write(["x": x, "z": TensorData([0] as [Float], shape: [1])], to: path, compressed: compressed)
        #expect(try run(["x=\(path)"]).results[0].data.floats == [3, 3, 7.5, 7.5])
    }

    @Test func mistakesOfArchives() throws {
        let path = folder.path + "/in.npz", x = try TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [6])
        try NPZFile.write(["x": x], to: path)
        #expect(message { _ = try run([path]) } == "\(path): the input 'x' is F32[6], wanted f32[2,3]")
        #expect(message { _ = try run(["z=\(path)"]) } == "'z' is not an input of the graph, which has x")
        try NPZFile.write(["x": TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])], to: path)
        #expect(message { _ = try run([path, path]) } == "\(path): an input that another file gives already")
        try NPZFile.write(["z": x, "a": x], to: path)
        #expect(message { _ = try run(["x=\(path)"]) } == "\(path): no array 'x' in this file, which has a, z")
        #expect(message { _ = try run([path]) } == "\(path): 'a' is not an input of the graph, which has x")
        try NPZFile.write([:], to: path)
        #expect(message { _ = try run([path]) } == "the input 'x' (f32[2,3]) of 'linear' is missing")
        try "no archive".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(message { _ = try run([path]) }.hasPrefix("\(path): not an archive of NumPy's arrays (.npz)"))
    }

    /// A program in a file gives what its graph gives, bit for bit.
    @Test func compiledPrograms() throws {
        let input = try #require(InputFile("x=\(try files().npy)")), path = folder.path + "/linear.apus"
        let graph = try GraphFile(contentsOf: folder.write(linearGraph, to: "linear.graph")).graph
        let compiler = try Compiler(CompilerOptions(products: .generated), threads: 1, cache: nil)
        try compiler.compile(graph).compilation.file.write(to: path)
        let before = try GraphRun(graph, inputs: [input], weights: nil, seed: 3, by: compiler)
        let after = try GraphRun(
            ProgramFile(contentsOf: path), name: path, inputs: [input], weights: nil, seed: 3, on: compiler.pool)
        #expect(after.results.map(\.name) == before.results.map(\.name))
        #expect(after.results.map(\.data) == before.results.map(\.data))
        #expect(after.updates.map(\.data) == before.updates.map(\.data) && after.updates.map(\.name) == ["w"])
    }

    @Test func updatesAreTheWeightsOfTheNextRun() throws {
        let input = "x=\(try files().npy)", weights = folder.path + "/w.safetensors"
        try run([input]).writeUpdates(to: OutputPlace(weights))
        let second = try run([input], weights: weights)
        #expect(second.given == ["w"] && second.initialized.isEmpty)
        #expect(try second.results[0].data == TensorData([6, 6, 15, 15] as [Float], shape: [2, 2]))
    }

    @Test func resultsAsOneFileOrAFolder() throws {
        let run = try run(["x=\(try files().npy)"])
        let file = folder.path + "/out.safetensors"
        try run.writeResults(to: OutputPlace(file))
        #expect(try SafetensorsFile(contentsOf: file).floats("y") == [3, 3, 7.5, 7.5])
        let place = folder.path + "/out/of/it"
        try run.writeResults(to: OutputPlace(place))
        let array = try NPYFile(contentsOf: place + "/y.npy"),
            expected = try SafetensorsFile(contentsOf: file).bytes("y")
        #expect(array.shape == [2, 2] && array.bytes == expected)
    }

    @Test func summary() throws {
        #expect(
            try run(["x=\(try files().npy)"]).summary == """
                parameters: 0 from the file of weights, 1 by their initialisers
                y f32[2,2]: 3 to 7.5, mean 5.25; 3 3 7.5 7.5
                update of w f32[3,2]: 1 to 1, mean 1; 1 1 1 1 1 1
                """)
    }

    @Test func arguments() {
        #expect(InputFile("x=a.npy")?.name == "x" && InputFile("x=a=b.npy")?.path == "a=b.npy")
        #expect(InputFile("in.safetensors")?.name == nil && InputFile("in.safetensors")?.path == "in.safetensors")
        #expect(InputFile("in.npz")?.name == nil && InputFile("x=in.npz")?.name == "x")
        // One array has no name of its own.
        for argument in ["a.npy", "=a.npy", "=a.npz", "x=", "x", "x=a.txt", ""] {
            #expect(InputFile(argument) == nil, "\(argument)")
        }
    }

    @Test func mistakesOfInputs() throws {
        let (npy, safetensors) = try files()
        #expect(message { _ = try run([]) } == "the input 'x' (f32[2,3]) of 'linear' is missing")
        #expect(message { _ = try run(["z=\(npy)"]) } == "'z' is not an input of the graph, which has x")
        #expect(
            message { _ = try run(["x=\(npy)", safetensors]) }
                == "\(safetensors): an input that another file gives already")
        let absent = message { _ = try run(["x=\(folder.path)/absent.npy"]) }
        #expect(absent.hasPrefix("\(folder.path)/absent.npy: cannot open: "))
        let flat = try files(shape: [6])
        #expect(message { _ = try run(["x=\(flat.npy)"]) } == "\(npy): the input 'x' is F32[6], wanted f32[2,3]")
        #expect(
            message { _ = try run(["x=\(flat.safetensors)"]) }
                == "\(safetensors): the input 'x' is F32[6], wanted f32[2,3]")
    }

    @Test func mistakesOfWeights() throws {
        let weights = folder.path + "/w.safetensors", input = "x=\(try files().npy)"
        try SafetensorsWriter.write(to: weights, tensors: [SafetensorsWriter.Tensor("w", [2], floats: [1, 2])])
        #expect(
            message { _ = try run([input], weights: weights) }
                == "\(weights): the parameter 'w' is F32[2], wanted f32[3,2]")
    }

    /// Names of results come from the file, and must not lead out of the folder.
    @Test func resultsWithoutAFileName() throws {
        let text = linearGraph.replacingOccurrences(of: #"return "y""#, with: #"return "../y""#)
        let graph = try GraphFile(contentsOf: folder.write(text, to: "up.graph")).graph
        let file = try #require(InputFile("x=\(try files().npy)"))
        let run = try GraphRun(
            graph, inputs: [file], weights: nil, seed: 0,
            by: Compiler(CompilerOptions(products: .generated), cache: nil))
        let place = folder.path + "/results"
        #expect(
            message { try run.writeResults(to: OutputPlace(place)) }
                == "the result '../y' cannot be the name of a file in \(place); write to a .safetensors file")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place).isEmpty)
        let below = message { _ = try OutputPlace(folder.path + "/up.graph/results") }
        #expect(below.hasPrefix("\(folder.path)/up.graph/results: cannot create: "))
    }
}
