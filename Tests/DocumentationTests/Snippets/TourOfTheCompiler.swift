import Apus
import ApusInspection
import ApusLLVM
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
        func timeless(_ text: Substring) -> String { String(text.replacing(#/\d+\.\d\d ms/#, with: "ms")) }
        let titles = listing.text.split(separator: "\n").filter { $0.hasPrefix("// ") }.map(timeless)
        let block = try #require(Page("TourOfTheCompiler.md").blocks("passes").first)
        #expect(block.split(separator: "\n").map(timeless) == titles, "\(listing.text)")
    }

    /// The beginning of LLVM's code, and a part of the assembly, of LLVM 14 for any processor with AVX2.
    @Test func code() throws {
        let page = try Page("TourOfTheCompiler.md"), whole = try step.trace().wholeGraph()
        let target = try TargetDescription.host().restricted(to: .avx2)
        let compiler = try GraphCompiler(CompilerOptions(products: .generated), target: target)
        let (llvm, asm) = (try compiler.text(whole, at: .llvm), try compiler.text(whole, at: .asm))
        #expect(llvm.contains("define void @kernel_0") && asm.contains("kernel_0:"))
        guard target.level == .avx2, target.cpu == "x86-64-v3", llvm.contains("i8**") else { return }
        for (text, block) in [(llvm, page.blocks("llvm").first), (asm, page.blocks("asm").first)] {
            let shown = (block ?? "").split(separator: "…").joined().trimmingCharacters(in: .newlines)
            #expect(!shown.isEmpty && text.contains(shown), "\(text)")
        }
    }

    @Test func run() throws {
        let folder = try TemporaryFolder()
        let graph = try Graph(parsing: step.trace().wholeGraph().text(), file: "tour.graph")
        func numbers(_ count: Int, _ divisor: Int) -> [Float] { (0..<count).map { Float($0 % divisor) / 10 } }
        let tensors = [
            "x": try TensorData(numbers(8 * 64, 11), shape: [8, 64]),
            "y": try TensorData(numbers(8 * 32, 7), shape: [8, 32]),
            "learning_rate": TensorData(0.1 as Float),
        ]
        let inputs = try tensors.map { name, tensor in
            try NPYFile.write(tensor, to: "\(folder.path)/\(name).npy")
            return try #require(InputFile("\(name)=\(folder.path)/\(name).npy"))
        }
        let compiler = try Compiler(CompilerOptions(products: .generated), threads: 1)
        let run = try GraphRun(graph, inputs: inputs, weights: nil, seed: 0, by: compiler)
        let text = run.summary
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
