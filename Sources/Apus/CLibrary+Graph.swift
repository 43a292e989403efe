import ApusCodegen
import ApusExport
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusSystem
import ApusTraining
import Foundation

extension CLibrary {
    /// The machines that a library can be made for, by name.
    public static var targetNames: [String] { TargetDescription.names }

    /// Compiles a whole graph, such as a step's after the fusions, to a library for C. Who computes matrix products is
    /// not chosen: kernels do.
    ///
    /// All names of the library begin with `name`, that of the graph if there is none. `targets` are the machines that
    /// there is code for, by names of ``targetNames``; several are levels of one architecture, of which the best that a
    /// processor can execute is chosen at run time. Work is divided for so many `threads`, those that there will be if
    /// that is known; results do not depend on it. Throws what compilations throw, and ``CLibraryError``.
    public init(
        compiling graph: Graph, name: String? = nil, for targets: [String] = ["native"],
        options: CompilerOptions = CompilerOptions(), threads: Int? = nil, cache: ObjectCache? = .standard
    ) throws {
        var options = options
        options.products = .generated
        var levels: [Level] = []
        for target in targets {
            guard let description = try TargetDescription.named(target) else {
                throw CLibraryError(
                    .levels,
                    "'\(target)' is no machine to compile for; there are \(Self.targetNames.joined(separator: ", "))")
            }
            // Where it will run is not known: work enough for a few more threads than this machine may have.
            let compiler = try GraphCompiler(
                options, target: description, threads: threads ?? max(8, Processors.available), cache: cache)
            let compilation = try compiler.compile(graph)
            levels.append(Level(name: target, file: compilation.file))
        }
        try self.init(name: name ?? Self.identifier(graph.name), levels: levels)
    }
}

extension CompiledStep {
    /// Writes the program as a library for C on this machine: see ``CLibrary/emit(directory:compiler:)``.
    ///
    /// `state` has the weights that are put beside it. Throws ``CLibraryError`` if the program has matrix products of
    /// OpenBLAS, as it may without `CompilerOptions(products: .generated)`, or if there is no C compiler.
    public func emit(directory: String, name: String? = nil, weights state: ProgramState? = nil) throws {
        var file = compilation.file
        if let state {
            for parameter in program.parameters { file.weights[parameter.name] = try state.read(parameter.name) }
        }
        let name = name ?? CLibrary.identifier(program.name)
        try CLibrary(name: name, levels: [.init(name: "native", file: file)]).emit(directory: directory)
    }
}
