import ApusCodegen
import ApusFuzzing
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Foundation
import Testing

/// Programs that are kept on disk: what is compiled again is what was compiled.
struct ProgramCacheTests {
    @Test func aProgramIsTakenAsItWasCompiled() throws {
        try withCache { cache in
            let graph = try transformerStep(batch: 2, tokens: 17, blocks: 2)
            for precision in CompilerOptions.Precision.allCases {
                let compiler = try GraphCompiler(CompilerOptions(precision: precision), cache: cache)
                let first = try compiler.compile(graph), second = try compiler.compile(graph)
                #expect(!first.isCached && second.isCached)
                #expect(second.timings.map(\.stage) == ["cache"])
                #expect(second.program == first.program && second.code == first.code)
            }
        }
    }

    /// Whatever operations a graph has, its program comes back as it was, and computes the same.
    @Test(arguments: 0..<24 as Range<UInt64>)
    func randomGraphs(_ seed: UInt64) throws {
        try withCache { cache in
            var configuration = RandomGraph.Configuration()
            configuration.hasParameters = true
            let graph = try RandomGraph(seed: seed, configuration).graph
            let compiler = try GraphCompiler(cache: cache)
            let first = try compiler.compile(graph), second = try compiler.compile(graph)
            #expect(second.timings.map(\.stage) == ["cache"], "seed \(seed)")
            #expect(second.program == first.program && second.code == first.code, "seed \(seed)")
        }
    }

    /// What a compilation looks at is part of the name of its program.
    @Test func whateverDecidesTheProgramMakesAnother() throws {
        try withCache { cache in
            let graph = try transformerStep(batch: 2, tokens: 17, blocks: 2), host = try TargetDescription.host()
            _ = try GraphCompiler(cache: cache).compile(graph)
            var tuning = Tuning(host)
            tuning.repeatedCost += 1
            let settings = [
                CompilerOptions(precision: .bfloat16), CompilerOptions(products: .generated),
                CompilerOptions(fusions: [.softmax]), CompilerOptions(memoryLimit: 1 << 40),
                CompilerOptions(tuning: tuning),
            ]
            for options in settings {
                let compiler = try GraphCompiler(options, cache: cache)
                #expect(try compiler.compile(graph).timings.count > 1, "\(options)")
                #expect(try compiler.compile(graph).timings.count == 1, "\(options)")
            }
            for compiler in [
                try GraphCompiler(threads: 5, cache: cache),
                try GraphCompiler(target: host.restricted(to: .scalar), cache: cache),
            ] {
                #expect(try compiler.compile(graph).timings.count > 1)
                #expect(try compiler.compile(graph).timings.count == 1)
            }
            var guarded = try GraphCompiler(cache: cache)
            guarded.guardsBuffers = true
            #expect(try guarded.compile(graph).timings.count > 1)
        }
    }

    /// Of graphs, everything but the lines on which operations were declared.
    @Test func whateverAGraphSaysMakesAnother() throws {
        try withCache { cache in
            let compiler = try GraphCompiler(cache: cache)
            func isKnown(_ graph: Graph) throws -> Bool { try compiler.compile(graph).timings.count == 1 }
            func graph(
                name: String = "g", input: String = "x", output: String = "y", rows: Int = 3, factor: Double = 0.0,
                table: [Double] = [1, 2, 3], exact: Bool = true, path: String = "layer", line: Int = 1
            ) throws -> Graph {
                let builder = GraphBuilder(name: name)
                builder.location = SourceLocation(file: "Tests/A.swift", line: line, path: path)
                let x = builder.input(Input(input, f32(rows, 3)))
                let numbers = builder.add(Constant(f32(3), values: table), [])
                builder.output(output, (exact ? exp(x) : tanh(x)) * factor + numbers)
                return try builder.finish()
            }
            #expect(try !isKnown(graph()))
            #expect(try isKnown(graph()) && isKnown(graph(line: 2)))
            for other in [
                try graph(name: "h"), try graph(input: "z"), try graph(output: "z"), try graph(rows: 4),
                try graph(factor: -0.0), try graph(table: [1, 2, 4]), try graph(exact: false), try graph(path: "other"),
            ] {
                #expect(try !isKnown(other) && isKnown(other), "\(other)")
            }
        }
    }

    /// A program of other answers than those that are kept is not taken.
    @Test func answersAreThoseThatAreKept() throws {
        try withCache { cache in
            let builder = GraphBuilder(name: "product")
            let a = builder.input(Input("a", f32(512, 512))), b = builder.input(Input("b", f32(512, 512)))
            builder.output("c", dot(a, b, contracting: [(1, 0)]))
            let graph = try builder.finish()
            let first = KeptAnswers()
            let made = try GraphCompiler(cache: cache, answers: first).compile(graph)
            try #require(first.all.count == 1)
            let again = KeptAnswers()
            #expect(try GraphCompiler(cache: cache, answers: again).compile(graph).timings.count == 1)
            #expect(again.all == first.all)
            guard MatmulLibrary.isAvailable else { return }
            let others = first.all.mapValues { $0 == "openblas" ? "generated" : "openblas" }
            let other = try GraphCompiler(cache: cache, answers: KeptAnswers(others)).compile(graph)
            #expect(other.timings.count > 1 && other.program != made.program)
        }
    }

    /// A damaged program is compiled again, and written anew.
    @Test func damageIsAMiss() throws {
        try withCache { cache in
            let graph = try transformerStep(batch: 2, tokens: 5, blocks: 1)
            let compiler = try GraphCompiler(cache: cache), whole = try compiler.compile(graph)
            let name = try #require(
                FileManager.default.contentsOfDirectory(atPath: cache.folder).first { $0.hasSuffix(".program") })
            let path = "\(cache.folder)/\(name)", bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for damage in 0..<8 {
                var bytes = bytes
                if damage == 0 { bytes.removeLast(bytes.count / 2) } else { bytes[bytes.count * damage / 8] ^= 4 }
                try bytes.write(to: URL(fileURLWithPath: path))
                let compilation = try compiler.compile(graph)
                #expect(compilation.timings.count > 1 && compilation.program == whole.program, "damage \(damage)")
                #expect(try compiler.compile(graph).timings.count == 1, "damage \(damage)")
            }
        }
    }

    private func withCache(_ body: (ObjectCache) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "apus-program-cache-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(ObjectCache(folder: folder))
    }
}
