import Apus
import ApusInspection
import ArgumentParser
import MSMAE
import ToolOptions

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a graph at a stage of its compilation.",
        discussion: """
            The stages, in order: \(Stage.list). A file begins with 'parsed', a graph that ships with Apus with 'traced'; \
            'differentiated' is for shipped graphs that are trained.
            """)

    /// The stages before the compiler has the whole graph, and those of the compiler.
    enum Stage: ExpressibleByArgument, Equatable {
        /// A file as it was read.
        case parsed
        /// The forward pass as it was declared.
        case traced
        /// The forward pass, or the graph of a file, after the fusions.
        case fused
        /// The forward pass with gradients and updates.
        case differentiated
        case compiled(CompilationStage)

        private static let first: [(name: String, stage: Stage)] = [
            ("parsed", .parsed), ("traced", .traced), ("fused", .fused), ("differentiated", .differentiated),
        ]
        static var allValueStrings: [String] { first.map(\.name) + CompilationStage.allCases.map(\.rawValue) }
        static let list = allValueStrings.joined(separator: ", ")

        init?(argument: String) {
            let own = Self.first.first { $0.name == argument }?.stage
            guard let stage = own ?? CompilationStage(rawValue: argument).map(Stage.compiled) else { return nil }
            self = stage
        }

        var defaultValueDescription: String {
            if case .compiled(let stage) = self { return stage.rawValue }
            return Self.first.first { $0.stage == self }?.name ?? ""
        }
    }

    @Argument(help: "The graph: \(GraphArgument.list).")
    var graph: GraphArgument?

    @Option(help: "What to print.")
    var stage = Stage.compiled(.optimized)

    @Option(
        help:
            "As what to print it: the text form, JSON with a line for each operation, or a drawing for Graphviz with boxes for layers (apus show … --format dot | dot -Tsvg)."
    )
    var format = Format.text

    @Option(help: "Names of a layer's path that a drawing has boxes for. (default: as many as leave it readable)")
    var depth: Int?

    @Flag(help: "Print the graph after each pass that changes it, and the time of every pass, in place of one stage.")
    var printChanged = false

    @OptionGroup var model: ModelOptions
    @OptionGroup var dimensions: DimensionOptions
    @OptionGroup var machine: MachineOptions

    @Flag(help: "List the shipped graphs, presets and stages.")
    var list = false

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, dot }

    func validate() throws {
        guard !list else { return }
        if format != .text, printChanged { throw ValidationError("--print-changed prints text, not \(format).") }
        if let depth, format != .dot || depth < 0 {
            throw ValidationError("--depth \(depth): a number of names from 0 on, for --format dot.")
        }
        guard let graph else { throw ValidationError("Name a graph: \(GraphArgument.list).") }
        try model.check(graph)
        switch (graph, stage) {
        case (.file, .traced): throw ValidationError("A file is not traced; its first stage is 'parsed'.")
        case (.file, .differentiated):
            throw ValidationError("A file holds the whole graph: it has no stage 'differentiated'.")
        case (.shipped(let model), .parsed):
            throw ValidationError("\(model.name) is not parsed; its first stage is 'traced'.")
        default: break
        }
    }

    func run() throws {
        if list {
            print("graphs:  \(ShippedModel.list)")
            print("presets: \(PresetOptions.list)")
            print("stages:  \(Stage.list)")
            return
        }
        switch graph {
        case .file(let path): print(try text(of: NamedGraph(contentsOf: path, dimensions).graph), terminator: "")
        case .shipped(let model): print(try text(of: model), terminator: "")
        case nil: break
        }
    }

    private var compiler: GraphCompiler {
        get throws { try GraphCompiler(machine.options, threads: machine.workers.threads, cache: machine.cache) }
    }

    private func text(of graph: Graph) throws -> String {
        let fusions = Pipeline.fusions(machine.options.fusions)
        if printChanged {
            var listing = PassListing()
            listing.add("parsed", graph)
            try listing.compile(listing.run(fusions, on: graph), by: compiler)
            return listing.text
        }
        switch stage {
        case .parsed: return text(graph)
        case .compiled(let stage): return try text(fusions.run(graph), at: stage)
        default: return try text(fusions.run(graph))
        }
    }

    private func text(_ graph: Graph) -> String {
        switch format {
        case .text: graph.text(locations: true)
        case .json: graph.json
        case .dot: GraphDrawing(graph, depth: depth).dot
        }
    }

    private func text(_ graph: Graph, at stage: CompilationStage) throws -> String {
        if format == .text { return try compiler.text(graph, at: stage) }
        guard let result = try compiler.graph(graph, at: stage) else {
            throw ValidationError(
                "At the stage '\(stage.rawValue)' there is no graph any more: it can be shown as text only.")
        }
        return text(result)
    }

    private func text(of shipped: ShippedModel) throws -> String {
        let declaration = try model.declaration(of: shipped)
        let fusions = machine.options.fusions
        if printChanged {
            var listing = PassListing()
            let forward = try declaration.forward()
            listing.add("traced", forward)
            _ = try listing.run(.fusions(fusions), on: forward)
            let whole = try declaration.wholeGraph(fusions)
            if case .training = declaration { listing.add("differentiated", whole) }
            try listing.compile(whole, by: compiler)
            return listing.text
        }
        switch stage {
        case .parsed, .traced: return try text(declaration.forward())
        case .fused: return try text(declaration.forward(fusions))
        case .differentiated:
            guard case .training = declaration else {
                throw ValidationError("\(shipped.name) is not trained: it has no stage 'differentiated'.")
            }
            return try text(declaration.wholeGraph(fusions))
        case .compiled(let stage): return try text(declaration.wholeGraph(fusions), at: stage)
        }
    }
}
