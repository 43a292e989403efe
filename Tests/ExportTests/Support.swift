import Apus
import ApusLLVM
import Foundation
import Testing

/// A folder of its own for one test; it goes when the test's last reference to it goes.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path

    init() { try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a folder in it and returns its path.
    func makeFolder(_ name: String) -> String {
        try! FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
        return file(name)
    }

    /// Runs a command here; what it prints, if it succeeds.
    func run(_ command: String, _ arguments: String..., place: Testing.SourceLocation = #_sourceLocation) throws
        -> String
    {
        let (status, output) = try Command.run([command] + arguments, in: path).get()
        #expect(status == 0, "\(command) \(arguments.joined(separator: " ")): \(output)", sourceLocation: place)
        return output
    }
}

/// The bytes of a whole file.
func contents(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// A file of the C programs and graphs beside the tests.
func program(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Programs/\(name)").path
}

/// A graph beside the tests.
func graph(_ name: String) throws -> Graph {
    try Graph(parsing: String(decoding: contents(of: program(name)), as: UTF8.self))
}

/// The C compiler of this machine: Swift brings one, which need not be called `cc`.
let cc = (try? CCompiler(for: CodeTarget(.host()).architecture).command) ?? ["cc"]

/// How C is compiled: whatever a compiler warns of is wrong.
let warnings = ["-O1", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]

extension TemporaryFolder {
    /// Writes a library into a folder of its name, and makes its example there.
    func emit(_ library: CLibrary) throws {
        try library.emit(directory: file(library.name))
        let arguments = cc + warnings + ["main.c", "-I.", "lib\(library.name).a", "-pthread", "-lm", "-o", "main"]
        let (status, output) = try Command.run(arguments, in: file(library.name)).get()
        #expect(status == 0, "\(output)")
    }

    /// Runs the example on the inputs of some runs, one after the other. Gives the last outputs, and the parameters in
    /// the end.
    func runExample(
        _ library: CLibrary, level: String, seed: UInt64, _ runs: [[String: TensorData]], _ others: [String] = []
    ) throws -> (outputs: [Data], parameters: [Data]) {
        let program = library.levels[0].file.program
        for (number, inputs) in runs.enumerated() {
            let folder = makeFolder("inputs/\(number)")
            for (name, data) in inputs {
                try data.withBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/\(name).raw"))
            }
        }
        let (outputs, parameters) = (makeFolder("outputs"), makeFolder("parameters"))
        let arguments =
            ["\(library.name)/main", "--level", level, "--seed", "\(seed)", "--inputs", "inputs"] + others
            + ["--outputs", "outputs", "--parameters", "parameters"]
        let (status, text) = try Command.run(arguments, in: path).get()
        try #require(status == 0, "\(text)")
        return (
            try program.outputs.map { try contents(of: "\(outputs)/\($0.name).raw") },
            try program.parameters.map { try contents(of: "\(parameters)/\($0.name).raw") }
        )
    }
}

extension ProgramFile {
    /// The same by the code in this process.
    func runHere(seed: UInt64, _ runs: [[String: TensorData]]) throws -> (outputs: [Data], parameters: [Data]) {
        let state = try state(seed: seed),
            runner = try ProgramRunner(loaded(name: "here"), pool: WorkerPool(threads: 2))
        var outputs: [String: TensorData] = [:]
        for inputs in runs { outputs = try runner.run(state, inputs) }
        func data(_ tensor: TensorData?) -> Data { tensor?.withBytes { Data($0) } ?? Data() }
        return (
            program.outputs.map { data(outputs[$0.name]) }, try program.parameters.map { data(try state.read($0.name)) }
        )
    }
}
