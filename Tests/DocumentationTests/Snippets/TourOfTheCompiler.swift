import Apus
import ApusInspection
import Foundation
import Testing

// Shown in TourOfTheCompiler.md
struct Model: Layer {
    var body: some Layer {
        Linear(64, 32).named("fc")
        GELU()
    }
}
// Until here

/// What the page prints is what the compiler says today; with APUS_BLESS=1 in the environment the page is written anew.
@Suite struct TourOfTheCompiler {
    private var step: TrainingStep {
        // Shown in TourOfTheCompiler.md
        let step = TrainingStep("tour", optimizer: .sgd(learningRate: 0.1)) {
            let prediction = Model()(Input("x", [8, 64]))
            Loss(meanSquaredError(prediction, Input("y", [8, 32])))
        }
        // Until here
        return step
    }

    /// What is printed, in order.
    private func printed() throws -> [String] {
        var output: [String] = []
        func print(_ text: String) { output.append(text.trimmingCharacters(in: .newlines)) }

        // Shown in TourOfTheCompiler.md
        let traced = try step.trace()
        print(traced.graph.text(locations: true))
        // Until here
        // Shown in TourOfTheCompiler.md
        var rewrites: [Rewrite] = []
        let fused = try traced.rewritten(by: .fusions(Set(Fusion.allCases)), recording: &rewrites)
        print(RewriteSummary(rewrites).description)
        // Until here
        // Shown in TourOfTheCompiler.md
        let whole = try fused.wholeGraph()
        print(whole.text())
        // Until here
        // Shown in TourOfTheCompiler.md
        let compiler = try GraphCompiler(CompilerOptions(products: .generated))
        print(try compiler.text(whole, at: .optimized))
        // Until here
        for stage in [CompilationStage.placement, .clusters, .layout, .schedule, .kernels] {
            print(try compiler.text(whole, at: stage))
        }
        return output
    }

    @Test func outputIsTheCompilers() throws {
        var page = try Page("TourOfTheCompiler.md")
        let printed = try printed()
        if ProcessInfo.processInfo.environment["APUS_BLESS"] == "1" {
            try page.replace(blocks: "text", by: printed)
            try page.write()
        }
        let blocks = page.blocks("text")
        #expect(blocks.count == printed.count)
        for (block, text) in zip(blocks, printed) { #expect(block == text) }
    }

    /// The passes, with other times.
    @Test func passes() throws {
        let graph = try Graph(parsing: step.trace().wholeGraph().text(), file: "tour.graph")
        var listing = PassListing()
        listing.add("parsed", graph)
        try listing.compile(
            listing.run(.fusions(Set(Fusion.allCases)), on: graph),
            by: GraphCompiler(CompilerOptions(products: .generated)))
        func timeless(_ text: some StringProtocol) -> String { text.replacing(#/\d+\.\d\d ms/#, with: "ms") }
        let titles = listing.text.split(separator: "\n").filter { $0.hasPrefix("// ") }.map { timeless($0) }
        let block = try #require(Page("TourOfTheCompiler.md").blocks("passes").first)
        #expect(block.split(separator: "\n").map { timeless($0) } == titles, "\(listing.text)")
    }

    /// The names of the kernels in machine code; the rest depends on the machine.
    @Test func code() throws {
        let page = try Page("TourOfTheCompiler.md"), compiler = try GraphCompiler(CompilerOptions(products: .generated))
        let llvm = try compiler.text(step.trace().wholeGraph(), at: .llvm)
        #expect(llvm.contains("define void @kernel_0") && page.blocks("llvm")[0].hasPrefix("define void @kernel_0"))
        #expect(try compiler.text(step.trace().wholeGraph(), at: .asm).contains("kernel_0:"))
    }

    @Test func run() throws {
        let folder = try TemporaryFolder()
        let graph = try Graph(parsing: step.trace().wholeGraph().text(), file: "tour.graph")
        let numbers = [
            ("x", (0..<512).map { Float($0 % 11) / 10 }, [8, 64]),
            ("y", (0..<256).map { Float($0 % 7) / 10 }, [8, 32]),
            ("learning_rate", [0.1], []),
        ]
        let inputs = try numbers.map { name, numbers, shape in
            try NPYFile.write(TensorData(numbers, shape: shape), to: "\(folder.path)/\(name).npy")
            return try #require(InputFile("\(name)=\(folder.path)/\(name).npy"))
        }
        let compiler = try Compiler(CompilerOptions(products: .generated), threads: 1)
        let text = try GraphRun(graph, inputs: inputs, weights: nil, seed: 0, by: compiler).summary
        let block = try #require(Page("TourOfTheCompiler.md").blocks("run").first)
        let (found, shown) = (numbersAndText(text), numbersAndText(block))
        #expect(found.text == shown.text, "\(text)")
        #expect(zip(found.numbers, shown.numbers).allSatisfy { abs($0 - $1) <= 1e-3 * abs($1) + 1e-6 }, "\(text)")
    }

    private func numbersAndText(_ text: String) -> (numbers: [Double], text: String) {
        let number = #/-?\d+(\.\d+)?(e-?\d+)?/#
        return (
            text.matches(of: number).compactMap { Double($0.0) },
            text.split(separator: "\n").filter { !$0.hasPrefix("$") }.joined(separator: "\n").replacing(
                number, with: "#")
        )
    }
}
