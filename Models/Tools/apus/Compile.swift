import Apus
import ApusInspection
import ArgumentParser
import ToolOptions

struct Compile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Compile a graph in the text form, or an ONNX file, to a file that apus run executes without compiling.",
        discussion: """
            The file holds the program (steps, places in memory, parameters with their initialisers) and the code of its \
            kernels for this kind of machine, and the weights that are given or that FILE.onnx has. It is code: run files of those only whom you trust.
            """)

    /// The ending of a program's file.
    static let suffix = ".apus"

    @Argument(help: ArgumentHelp("File with a graph in the text form, or FILE.onnx.", valueName: "file.graph"))
    var graph: String

    @Option(help: ArgumentHelp("Where the program goes.", valueName: "file.apus"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "Weights to put into the file, safetensors or PyTorch's, for parameters of their names; those of FILE.onnx are put there without.",
            valueName: "file")
    )
    var weights: String?

    @OptionGroup var selection: WeightsSelectionOptions

    @OptionGroup var dimensions: DimensionOptions

    @Flag(help: "Print the program: its parameters, inputs, steps and outputs.")
    var list = false

    @OptionGroup var machine: MachineOptions

    func validate() throws {
        guard output.hasSuffix(Self.suffix) else {
            throw ValidationError("--output is \(output); its name must end in \(Self.suffix).")
        }
    }

    func run() throws {
        let file = try NamedGraph(contentsOf: graph, dimensions)
        try AtomicFile.check(output)
        let compilation = try machine.compiler().compile(file.graph).compilation
        var program = compilation.file
        program.weights = file.parameters
        if let weights {
            program.weights.merge(try program.program.weights(in: weights, selection.selection)) { _, given in given }
        }
        try program.write(to: output)
        if list { print(compilation.program, terminator: "") }
    }
}
