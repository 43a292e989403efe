import Apus
import ApusLLVM
import ApusTestSupport
import Foundation
import Testing

/// Emitted libraries, compiled and run, give the bits of the code in this process.
struct EmissionTests {
    private let folder = TemporaryFolder()

    /// All levels of this machine's architecture that it can execute.
    private static let levels = CLibrary.targetNames.filter { name in
        guard let target = try? TargetDescription.named(name) else { return false }
        return CodeTarget(target).obstacle == nil
    }

    private func expectEqual(_ library: CLibrary, _ runs: [[String: TensorData]], seed: UInt64 = 5) throws {
        try folder.emit(library)
        for level in library.levels {
            let here = try level.file.runHere(seed: seed, runs)
            let there = try folder.runExample(library, level: level.name, seed: seed, runs)
            #expect(there == here, "\(library.name), \(level.name)")
        }
    }

    @Test func someLevelsAreTried() { #expect(Self.levels.contains("native")) }

    @Test(arguments: [1, 4, 9, 12, 16] as [UInt64])
    func randomGraphs(seed: UInt64) throws {
        var configuration = RandomGraph.Configuration()
        configuration.hasParameters = true
        let graph = try RandomGraph(seed: seed, configuration).graph
        let library = try CLibrary(compiling: graph, for: Self.levels, cache: nil)
        let inputs = randomInputs(for: graph, seed: seed).mapValues { TensorData($0) }
        try expectEqual(library, [inputs])
    }

    /// Another number of threads has other pieces of work, and the same results.
    @Test func workIsDividedForThreads() throws {
        let builder = GraphBuilder(name: "divided")
        let x = builder.input(Input("x", TensorType(.f32, [300, 256])))
        builder.output("y", matmul(x, builder.parameter(Parameter("w", TensorType(.f32, [256, 512]), .constant(0.5)))))
        let graph = try builder.finish(), inputs = randomInputs(for: graph, seed: 3).mapValues { TensorData($0) }
        var pieces: Set<Int> = []
        for threads in [1, 48] {
            let library = try CLibrary(compiling: graph, threads: threads, cache: nil)
            let matmul = try #require(library.levels[0].file.program.steps.last)
            if case .kernel(_, _, let count, _) = matmul.work { pieces.insert(count) }
            try expectEqual(library, [inputs])
        }
        #expect(pieces.count == 2)
    }

    /// Training changes the weights from run to run; draws depend on a key among the inputs.
    @Test func training() throws {
        let step = TrainingStep("circle", optimizer: .adamW(learningRate: 0.02)) {
            let labels = Input("labels", [6], .int32)
            let hidden = gelu(Linear(4, 24).named("hidden")(LayerNorm(4).named("norm")(Input("points", [6, 4]))))
            let mixed = SelfAttention(8, heads: 2, dropout: 0.25).named("mix")(hidden.reshape([6, 3, 8]))
            let logits = Linear(24, 3).named("out")(Dropout(0.5)(mixed.reshape([6, 24])))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
        let compiled = try Compiler(CompilerOptions(products: .generated), threads: 2).compile(step)
        let state = try compiled.makeState(seed: 5)
        try compiled.emit(directory: folder.file("circle"), name: "circle")
        let program = compiled.program, optimizer = Optimizer.adamW(learningRate: 0.02)
        var runs: [[String: TensorData]] = [], outputs: [Data] = []
        for number in 1...4 {
            var inputs: [String: TensorData] = [
                "labels": try TensorData([0, 1, 2, 0, 1, number % 3]),
                "points": try TensorData((0..<24).map { Float(($0 * number) % 7) - 3 }, shape: [6, 4]),
            ]
            let report = try compiled.run(state, inputs)
            outputs = program.outputs.map { report[$0.name]?.withBytes { Data($0) } ?? Data() }
            for (name, value) in optimizer.inputs(step: number) { inputs[name] = TensorData(Float(value)) }
            runs.append(inputs.filter { input in program.inputs.contains { $0.name == input.key } })
        }
        let library = try CLibrary(name: "circle", levels: [.init(name: "native", file: compiled.compilation.file)])
        try folder.emit(library)
        let there = try folder.runExample(library, level: "native", seed: 5, runs)
        #expect(there.outputs == outputs)
        for (parameter, data) in zip(program.parameters, there.parameters) {
            #expect(try state.read(parameter.name).withBytes { Data($0) } == data, "\(parameter.name)")
        }
    }

    /// Names that contain what names of the runtime begin with.
    @Test(arguments: ["apus_vit", "my_APUS_net"])
    func namesWithinNames(name: String) throws {
        try expectEqual(
            CLibrary(compiling: graph("toy.graph"), name: name, cache: nil),
            [
                [
                    "x": try TensorData((0..<24).map { Float($0) }, shape: [4, 6]), "rows": try TensorData([3, 0, 1]),
                ]
            ])
    }

    /// A `main.c` that is there stays, and so do header and weights of the libraries that are there if no new ones
    /// come.
    @Test func whatIsThereStays() throws {
        var library = try CLibrary(compiling: graph("toy.graph"), name: "toy", cache: nil)
        let place = folder.file("toy")
        _ = folder.makeFolder("toy")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(place)/main.c"))
        library.weights = ["w": try TensorData((0..<30).map { Float($0) }, shape: [6, 5])]
        try library.emit(directory: place)
        #expect(try contents(of: "\(place)/main.c") == Data("mine".utf8))
        let before = try ["toy.h", "toy.weights", "libtoy.a"].map { try contents(of: "\(place)/\($0)") }
        library.weights = [:]
        let failing = try CCompiler(named: "false", for: library.levels[0].file.target.architecture)
        #expect(throws: CLibraryError.self) { try library.emit(directory: place, compiler: failing) }
        #expect(try ["toy.h", "toy.weights", "libtoy.a"].map { try contents(of: "\(place)/\($0)") } == before)
        try library.emit(directory: place)
        #expect(!FileManager.default.fileExists(atPath: "\(place)/toy.weights"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: place).allSatisfy { !$0.hasSuffix(".partial") })
    }

    /// Every initialiser and every type of elements, and names that C has to escape.
    @Test func initialValuesAndNames() throws {
        let builder = GraphBuilder(name: "names")
        let kinds: [(TensorType, Initializer)] = [
            (TensorType(.f32, [3, 5]), .normal(mean: -1, deviation: 0.3)),
            (TensorType(.f32, [40]), .uniform(bound: 0.1)),
            (TensorType(.f32, [40]), .truncatedNormal(deviation: 3)), (TensorType(.f32, [7, 3]), .xavierUniform),
            (TensorType(.f32, [40]), .truncatedNormal(deviation: 0.9)),
            (TensorType(.f32, [1, 10, 8]), .sineCosine2D(grid: 3, leadingZeros: 1)), (TensorType(.i32, [2]), .seed),
            (TensorType(.bf16, [9]), .normal(deviation: 2)), (TensorType(.bool, [3]), .ones),
            (TensorType(.f32, [2]), .constant(-.infinity)), (TensorType(.f32, []), .constant(1e-310)),
            (TensorType(.i32, []), .constant(-7)), (TensorType(.f32, [2]), .constant(0.1)),
        ]
        for (number, (type, initializer)) in kinds.enumerated() {
            let value = builder.parameter(Parameter("a.\(number) \"q\"?\\?\u{e4}\n*", type, initializer))
            builder.output("r \(number)?", value.cast(.f32) + 1)
        }
        try expectEqual(CLibrary(compiling: builder.finish(), for: Self.levels, cache: nil), [[:]], seed: 0x1_8000_0007)
    }

    /// Weights beside the library and inside of it; parameters that have none are initialized.
    @Test(arguments: [false, true])
    func weights(areInside: Bool) throws {
        var library = try CLibrary(compiling: graph("toy.graph"), cache: nil)
        library.weights = ["w": try TensorData((0..<30).map { Float($0) / 7 }, shape: [6, 5])]
        library.holdsWeights = areInside
        try folder.emit(library)
        let inputs = [
            "x": try TensorData((0..<24).map { Float(($0 * 5) % 7) }, shape: [4, 6]),
            "rows": try TensorData([3, 0, -1]),
        ]
        var file = library.levels[0].file
        file.weights = library.weights
        let here = try file.runHere(seed: 1, [inputs])
        #expect(FileManager.default.fileExists(atPath: folder.file("toy/toy.weights")) == !areInside)
        let others = areInside ? [] : ["--weights", "toy/toy.weights"]
        #expect(try folder.runExample(library, level: "native", seed: 1, [inputs], others) == here)
    }

    #if arch(x86_64)
        /// One architecture, several levels: equal tables of constants are there once, and the best level comes first.
        @Test func levelsAreOrdered() throws {
            let library = try CLibrary(
                compiling: graph("toy.graph"), for: ["x86-64-v2", "x86-64-v4", "x86-64-v3"], cache: nil)
            #expect(library.levels.map(\.name) == ["x86-64-v4", "x86-64-v3", "x86-64-v2"])
            try library.emit(directory: folder.path)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("source"))
            #expect(
                Set(files.filter { $0.hasSuffix(".bin") }) == [
                    "code-0.bin", "code-1.bin", "code-2.bin", "constants-0.bin",
                ])
        }
    #endif
}
