import Apus
import ApusInspection
import Foundation
import Testing

/// What is shown of a graph on its way.
struct ListingTests {
    private let compiler = Result { try GraphCompiler(CompilerOptions(products: .generated), cache: nil) }
    private let mlp = Result {
        try Graph(
            parsing: """
                graph @mlp {
                  %0 = input {name = "x"} : f32[8,4]
                  %1 = parameter {name = "w", init = "xavier_uniform", trainable = true} : f32[16,4]
                  %2 = transpose %1 {permutation = [1, 0]} : f32[4,16]
                  %3 = dot %0, %2 {left_batch = [], right_batch = [], left_contracting = [1], right_contracting = [0]} : f32[8,16]
                  %4 = gelu %3 : f32[8,16]
                  %5 = exp %0 : f32[8,4]
                  return "y" %4
                }
                """)
    }

    @Test(arguments: CompilationStage.allCases)
    func everyStageHasAText(_ stage: CompilationStage) throws {
        let text = try compiler.get().text(mlp.get(), at: stage)
        let part =
            switch stage {
            case .optimized, .legal: "%1 = parameter {name = \"w\""
            case .placement: "parameter \"w\" f32[16,4]: leaf"
            case .clusters: ", level 1: matmul"
            case .layout: "b0: parameter 0, 256 bytes"
            case .schedule: "0: matmul 1x8x16x4 multiply = kernel_0 on "
            case .kernels: "kernel_0: matmul 8x16x4"
            case .llvm: "define void @kernel_0"
            case .asm: "kernel_0:"
            }
        #expect(text.contains(part), "\(text)")
        #expect(text.hasSuffix("\n"))
    }

    /// The listing of passes says what became of the graph, and each graph in it reads back.
    @Test func passesThatChangedTheGraph() throws {
        var listing = PassListing()
        try listing.add("parsed", mlp.get())
        let fused = try listing.run(.fusions([.softmax]), on: mlp.get())
        try listing.compile(fused, by: compiler.get())
        let parts = listing.text.components(separatedBy: "\n\n")
        let titles = parts.compactMap { $0.split(separator: "\n").first { $0.hasPrefix("// ") } }
            .map { $0.replacing(#/: \d+\.\d\d ms/#, with: "") }
        #expect(
            titles == [
                "// parsed", "// fuse-softmax, nothing changed", "// dead-code, 6 nodes became 5",
                "// decompose, 5 nodes became 15", "// place-log-sums, nothing changed",
                "// simplify, 15 nodes became 15",
                "// common-subexpressions, 15 nodes became 13", "// join-products, nothing changed",
                "// dead-code, 13 nodes became 11",
                "// winograd, nothing changed", "// narrow-groups, nothing changed",
                "// sink-transposes, nothing changed",
                "// legalize, nothing changed", "// simplify, nothing changed",
                "// common-subexpressions, nothing changed", "// dead-code, nothing changed",
                "// verify-legal, nothing changed", "// copy-operands, nothing changed",
                "// pack-operands, nothing changed",
                "// verify-legal, nothing changed", "// all passes",
            ])
        for part in parts where part.contains("graph @") { #expect(throws: Never.self) { try Graph(parsing: part) } }
    }

    /// A graph of a file is explained with random inputs.
    @Test func explanation() throws {
        let compiler = try Compiler(CompilerOptions(products: .generated), threads: 1, cache: nil)
        let text = try ProgramExplanation(mlp.get(), by: compiler).text
        for part in [
            "mlp, fp32, 1 thread (as asked for)\n", "REWRITES\n", "KERNELS, in 1 steps", "MEMORY\n",
            "MB               inputs\n", "a run takes ",
        ] {
            #expect(text.contains(part), "\(part)\n\(text)")
        }
    }
}
