import Apus
import Foundation
import Testing

/// The page shows a step, and the C program that runs it.
@Suite struct Deploying {
    @Test func theProgramInCGivesTheScores() throws {
        let place = try TemporaryFolder(), folder = place.path
        // Shown in Deploying.md
        let step = InferenceStep("classifier") {
            Output("scores", softmax(Linear(3, 2).named("head")(Input("features", [4, 3]))))
        }
        let program = try Compiler(CompilerOptions(products: .generated)).compile(step)
        let state = try program.makeState(seed: 1)
        try program.emit(directory: folder, weights: state)
        // Until here
        let code = try #require(try Page("Deploying.md").blocks("c").first)
        try code.write(toFile: "\(folder)/main.c", atomically: true, encoding: .utf8)
        // Swift brings a C compiler, which need not be called `cc`.
        let compiler = try CCompiler(for: program.compilation.file.target.architecture).command
        let options = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread", "-I.", "-o", "main"]
        let command = compiler + options + ["main.c", "libclassifier.a", "-lm"]
        let compiled = try Command.run(command, in: folder).get()
        try #require(compiled.status == 0, "\(compiled.output)")
        let features = try TensorData((1...12).map { Float($0) }, shape: [4, 3])
        let scores = try #require(try program.run(state, ["features": features])["scores"]?.floats)
        let rows = (0..<4).map { String(format: "%.6f %.6f\n", scores[2 * $0], scores[2 * $0 + 1]) }
        #expect(try Command.run(["./main"], in: folder).get().output == rows.joined())
    }
}
