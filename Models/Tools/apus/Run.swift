import Apus
import ApusInspection
import ArgumentParser
import Foundation
import ToolOptions

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a graph in the text form, an ONNX file or a compiled program on numbers from files.",
        discussion: """
            Without --output, a line is printed for each result. Files of numbers are safetensors or NumPy's .npy and .npz with \
            elements f4, f8, i4, i8 or b1; they are converted to the types of the graph's inputs, whose shapes they must have.
            """)

    @Argument(
        help: ArgumentHelp(
            "File with a graph in the text form or FILE.onnx, which are compiled, or FILE.apus as apus compile writes it.",
            valueName: "file"))
    var graph: String

    @Option(
        name: .customLong("input"),
        help: ArgumentHelp(
            "Numbers of an input: NAME=FILE.npy, NAME=FILE.npz or NAME=FILE.safetensors; FILE.npz alone gives an input for each of its arrays, FILE.safetensors every input that it has a tensor for. May be given more than once.",
            valueName: "name=file"))
    var inputs: [InputFile] = []

    @Option(
        help: ArgumentHelp(
            "Weights, safetensors or PyTorch's; parameters that are not in it are filled by their initialisers.",
            valueName: "file"))
    var weights: String?

    @OptionGroup var selection: WeightsSelectionOptions

    @Option(help: "Seed of the initialisers.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Where results go: FILE.safetensors, or a folder with a .npy file for each.", valueName: "place"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Where the new content of updated parameters goes, under their own names; such as --output.",
            valueName: "place"))
    var updates: String?

    @Option(
        help: ArgumentHelp(
            "Run so many times more, and print how long that takes; results and updates are those of the first run.",
            valueName: "count"))
    var `repeat`: Int?

    @OptionGroup var dimensions: DimensionOptions
    @OptionGroup var machine: MachineOptions

    func validate() throws {
        if let count = `repeat`, count < 1 { throw ValidationError("--repeat is \(count); it must be 1 or more.") }
    }

    func run() throws {
        let results = try output.map { try OutputPlace($0) }, changed = try updates.map { try OutputPlace($0) }
        let run: GraphRun
        if graph.hasSuffix(Compile.suffix) {
            try dimensions.check(graph)
            run = try GraphRun(
                ProgramFile(contentsOf: graph), name: graph, inputs: inputs, weights: weights,
                selection: selection.selection, seed: seed, on: machine.compiler().pool)
        } else {
            let named = try NamedGraph(contentsOf: graph, dimensions)
            run = try GraphRun(
                named.graph, inputs: inputs, weights: weights, selection: selection.selection,
                known: named.parameters, seed: seed, by: machine.compiler())
        }
        if let results { try run.writeResults(to: results) }
        if let changed { try run.writeUpdates(to: changed) }
        if results == nil { print(run.summary) }
        if let count = `repeat` {
            let times = try run.timed(runs: count)
            print(
                String(
                    format: "%d runs, median %.3f ms, the fastest %.3f ms", count, times.median * 1e3,
                    times.shortest * 1e3))
        }
    }
}

extension InputFile: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
