import ApusDigest
import ApusIR
import ApusRuntime
import ApusTransforms

/// A program as the cache keeps it, with the code of its kernels.
struct CachedProgram: Codable {
    var program: Program
    var code: [UInt8], functions: [Function]
    /// Who computes which matmul, as ``MatmulChoice`` answered: the program is the right one where the answers still
    /// are these.
    var answers: [Answer]

    struct Function: Codable { var symbol: String, place: Int }
    struct Answer: Codable { var question: String, answer: String }

    init(_ compilation: Compilation, _ answers: KeptAnswers) {
        program = compilation.program
        code = compilation.code.bytes
        functions = compilation.code.functions.map { Function(symbol: $0, place: $1) }
        self.answers = answers.all.map { Answer(question: $0, answer: $1) }
    }

    var image: CodeImage {
        CodeImage(bytes: code, functions: Dictionary(functions.map { ($0.symbol, $0.place) }) { first, _ in first })
    }
}

extension GraphCompiler {
    /// Compiles a graph, or takes the program that an earlier compilation of an equal graph has left in the cache.
    /// Throws as ``Backend/compile(_:)`` says.
    public func compile(_ graph: Graph) throws -> Compilation {
        guard let cache, let key = programKey(graph) else { return try compiledAnew(graph) }
        var timings: [(stage: String, seconds: Double)] = []
        if let known = timed("cache", &timings, { cache.program(key).flatMap(loaded) }) {
            return Compilation(
                program: known.loaded.program, loaded: known.loaded, code: known.code, target: target, source: graph,
                isCached: true, timings: timings)
        }
        var compiler = self
        let asked = KeptAnswers()
        compiler.asked = asked
        let compilation = try compiler.compiledAnew(graph)
        if let bytes = try? PackedEncoder.bytes(CachedProgram(compilation, asked)) {
            cache.store(program: bytes, as: key)
        }
        return compilation
    }

    /// The program of an entry with its code in this process; nil if it is not what a compilation would make now.
    private func loaded(_ bytes: [UInt8]) -> (loaded: LoadedProgram, code: CodeImage)? {
        guard let entry = try? PackedDecoder.value(CachedProgram.self, from: bytes) else { return nil }
        let code = entry.image
        guard choice.stillHolds(entry.answers.map { ($0.question, $0.answer) }),
            let loaded = try? LoadedProgram(entry.program, LoadedCode(code))
        else { return nil }
        return (loaded, code)
    }

    /// What a graph's program goes by in the cache: all that a compilation looks at, but for answers of
    /// ``MatmulChoice``. Nil for a compiler whose choices are made elsewhere.
    private func programKey(_ graph: Graph) -> Digest? {
        guard let cache, libraryChoice == nil else { return nil }
        let fusions = options.fusions.map(\.rawValue).sorted().joined(separator: " ")
        let settings = [
            options.precision.rawValue, options.products.rawValue, fusions, "\(options.memoryLimit ?? -1)",
            "\(tuning)", "\(guardsBuffers)",
        ]
        let content = ByteWriter()
        content.write(graph)
        return cache.key(
            program: settings + [Digest(content.bytes).hexadecimal], target: target, passes: Self.passes)
    }
}
