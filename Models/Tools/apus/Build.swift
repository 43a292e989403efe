import Apus
import ApusInspection
import ArgumentParser
import MSMAE
import ToolOptions

struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compile a model to a library for C, and for whatever calls C.",
        discussion: """
            OUT becomes a folder with libNAME.a, libNAME.so, NAME.h, NAME.pc, the weights in NAME.weights, an example in main.c, and \
            in source all that the libraries are made of. They need neither Swift nor LLVM where they run. Matrix products are \
            generated. With several targets, the best that a processor can execute is chosen at run time.
            """)

    @Argument(
        help: ArgumentHelp(
            "The model: \(GraphArgument.list), or a checkpoint or the folder of a run of msmae, of which the inference is taken.",
            valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("The folder that the library is written to.", valueName: "folder"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "What to compile for: \(CLibrary.targetNames.joined(separator: ", ")), or several with commas between.",
            valueName: "target"))
    var target = "native"

    @Option(help: "What all names of the library begin with. (default: the name of the graph)")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Weights, safetensors or PyTorch's, for parameters of their names; those of FILE.onnx and of a run are taken without.",
            valueName: "file"))
    var weights: String?

    @Flag(help: "Put the weights into the library, not into a file beside it.")
    var weightsInside = false

    @Option(
        help: ArgumentHelp(
            "The C compiler, with arguments that it always gets. (default: that of the environment variable CC, else cc, gcc or clang)",
            valueName: "command"))
    var cc: String?

    @OptionGroup var selection: WeightsSelectionOptions
    @OptionGroup var options: ModelOptions
    @OptionGroup var dimensions: DimensionOptions
    @OptionGroup var compilation: CompilationOptions

    @Option(
        help:
            "Threads that work is divided for; the library runs on any number of them, with the same results. (default: 8, or as many as there are processors here)"
    )
    var threads: Int?

    private var targets: [String] { target.split(separator: ",").map(String.init) }

    func validate() throws {
        for target in targets where !CLibrary.targetNames.contains(target) {
            throw ValidationError(
                "--target \(target): there are \(CLibrary.targetNames.joined(separator: ", ")), several with commas between."
            )
        }
        guard !targets.isEmpty else { throw ValidationError("--target names no machine.") }
        guard compilation.options.products != .openblas else {
            throw ValidationError("--products openblas: a library for C has no OpenBLAS; its products are generated.")
        }
        try ThreadOptions.check(threads)
    }

    func run() throws {
        let source = try Source(model, options, dimensions, compilation.options)
        var library = try CLibrary(
            compiling: source.graph, name: name, for: targets, options: compilation.options, threads: threads,
            cache: compilation.cache)
        let file = library.levels[0].file
        library.weights = try source.weights(file.program.parameters)
        if let weights {
            library.weights.merge(try file.program.weights(in: weights, selection.selection)) { _, given in given }
        }
        library.holdsWeights = weightsInside
        try library.emit(directory: out, compiler: CCompiler(named: cc, for: file.target.architecture))
        print("\(out): \(library.name).h, lib\(library.name).a, lib\(library.name).so")
        for note in source.notes { print(note) }
    }
}

/// What a library is made of: a graph after the fusions, and the weights that come with it.
private struct Source {
    var graph: Graph
    var weights: ([Parameter]) throws -> [String: TensorData]
    var notes: [String] = []

    init(_ model: String, _ options: ModelOptions, _ dimensions: DimensionOptions, _ compiler: CompilerOptions) throws {
        let fusions = Pipeline.fusions(compiler.fusions)
        if let shipped = ShippedModel(argument: model) {
            try dimensions.check(model)
            let declaration = try options.declaration(of: shipped)
            (graph, weights) = (try declaration.wholeGraph(compiler.fusions), { _ in [:] })
        } else if Folders.isFolder(model) || model.hasSuffix(".safetensors") || model.hasSuffix(".pth") {
            try dimensions.check(model)
            if options.preset != nil || options.classes != nil {
                throw ValidationError(
                    "--preset and --classes are for graphs that ship with Apus; a run says both itself.")
            }
            let trained = try InferenceModel(checkpoint: model)
            graph = try fusions.run(trained.graph(batch: options.batch ?? 1))
            weights = { parameters in
                try Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, try trained.weight($0)) })
            }
            notes =
                trained.notes
                + (trained.classes.map { ["classes \($0.map(\.inOneLine).joined(separator: ", "))"] } ?? [])
        } else {
            guard GraphArgument(argument: model) != nil else {
                throw ValidationError(
                    "'\(model)' is neither a folder of a run nor a graph: \(GraphArgument.list).")
            }
            try options.check(.file(model))
            let file = try NamedGraph(contentsOf: model, dimensions)
            (graph, weights) = (try fusions.run(file.graph), { _ in file.parameters })
        }
    }
}
