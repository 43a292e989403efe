import Apus
import ApusFuzzing
import ApusLLVM
import ApusTestSupport
import Foundation
import Testing

/// Code for 64-bit ARM, executed by an emulator where this machine has one: libraries for C that give the interpreter's
/// results. Others of its levels are those of `TargetLevelTests`.
@Suite(.enabled(if: Emulator.isFound, "needs gcc for aarch64 and qemu (Scripts/install-dependencies checks)"))
struct ForeignTests {
    private let folder = TemporaryFolder()

    /// Runs a graph by a library for ARM.
    private func emulated(
        _ graph: Graph, _ inputs: [String: HostTensor], _ options: CompilerOptions
    ) throws -> [String: HostTensor] {
        let library = try CLibrary(
            compiling: graph, name: "foreign", for: ["aarch64"], options: options, cache: nil)
        #expect(library.levels[0].file.target.architecture == "aarch64")
        try library.emit(directory: folder.file("foreign"))
        let build =
            Emulator.compiler + warnings + ["-static", "main.c", "libforeign.a", "-pthread", "-lm", "-o", "main"]
        let (status, output) = try Command.run(build, in: folder.file("foreign")).get()
        try #require(status == 0, "\(output)")
        let place = folder.makeFolder("inputs/0"), outputs = folder.makeFolder("outputs")
        for (name, value) in inputs {
            try TensorData(value).withBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(place)/\(name).raw"))
        }
        let run = [Emulator.command, "foreign/main", "--threads", "2", "--inputs", "inputs", "--outputs", "outputs"]
        let (code, text) = try Command.run(run, in: folder.path).get()
        try #require(code == 0, "\(text)")
        return try library.levels[0].file.program.outputs.reduce(into: [:]) { results, output in
            let data = try contents(of: "\(outputs)/\(output.name).raw")
            try #require(data.count == output.type.byteCount)
            results[output.name] = data.withUnsafeBytes { bytes in
                bytes.baseAddress.map { TensorData(type: output.type, copying: $0).hostTensor }
            }
        }
    }

    private func expectSame(_ graph: Graph, _ precision: CompilerOptions.Precision, _ comment: Comment) {
        var comparison = Comparison()
        comparison.options.precision = precision
        let verdict = comparison.verdict(on: graph) { graph, inputs, _ in
            try emulated(graph, inputs, comparison.options)
        }
        #expect(verdict == .same, comment)
    }

    /// Matmuls with all kinds of remainders, element-wise work, reductions, gathers, sorts, and their gradients.
    @Test(arguments: [2, 3, 5, 8, 11, 17] as [UInt64], [CompilerOptions.Precision.float32, .bfloat16])
    func randomGraphs(_ seed: UInt64, _ precision: CompilerOptions.Precision) throws {
        var configuration = RandomGraph.Configuration()
        configuration.roundsOperands = precision == .bfloat16
        expectSame(try RandomGraph(seed: seed, configuration).graph, precision, "seed \(seed)")
    }

    /// Attention, forward and backward, with every function that vectors have an approximation for.
    @Test(arguments: [CompilerOptions.Precision.float32, .bfloat16])
    func attention(_ precision: CompilerOptions.Precision) throws {
        let builder = GraphBuilder(name: "attention")
        func input(_ name: String, _ shape: [Int]) -> Tensor {
            builder.input(Input(name, TensorType(.f32, shape)))
        }
        let x = [
            input("q", [2, 37, 16]), input("k", [2, 50, 16]), input("v", [2, 50, 24]), input("seed", [2, 37, 24]),
        ]
        for isCausal in [false, true] {
            let scores = AttentionScores(scale: 0.25, isCausal: isCausal)
            let y = builder.add(Attention(scores), Array(x[..<3]))
            builder.output("y \(isCausal)", gelu(y) + tanh(y) + sigmoid(y) * log(exp(y * 0.1) + 1) + sin(y) * cos(y))
            for part in [AttentionGradient.Part.queries, .keys, .values] {
                let gradient = AttentionGradient(scores, part: part).of(Array(x[..<3]), result: y, seed: x[3])
                builder.output("\(part) \(isCausal)", gradient)
            }
        }
        expectSame(try builder.finish(), precision, "attention")
    }
}

/// What executes code for 64-bit ARM here.
private enum Emulator {
    static let compiler = ["aarch64-linux-gnu-gcc"], command = "qemu-aarch64"

    static let isFound = [compiler[0], command].allSatisfy { name in
        (try? Command.run([name, "--version"], in: "/").get().status) == 0
    }
}
