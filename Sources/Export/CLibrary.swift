import ApusIR
import ApusRuntime

/// A program as a library for C, and for whatever calls C: code for one or several levels of an architecture, of which
/// the best that a processor can execute is chosen at run time, and perhaps the weights.
///
/// ``emit(directory:compiler:)`` writes a static and a shared library, a documented header, an example, and the C files
/// that the libraries are made of. They need the C library of the system, and nothing of Swift or LLVM.
public struct CLibrary: Sendable {
    /// The program with its code for some processors.
    public struct Level: Sendable {
        /// What the level is called, such as `x86-64-v3`.
        public var name: String
        /// The program, its code, and the processors that this is for.
        public var file: ProgramFile

        /// A level by its name.
        public init(name: String, file: ProgramFile) { (self.name, self.file) = (name, file) }
    }

    /// What all names of the library begin with.
    public let name: String
    /// The levels, the best first.
    public let levels: [Level]
    /// The content of parameters, by name: at first what the best level's file has.
    public var weights: [String: TensorData]
    /// Whether the weights are inside of the library, or in a file beside it.
    public var holdsWeights = false

    var program: Program { levels[0].file.program }

    /// The most bytes of weights inside of a library: code reaches no further.
    private static let mostBytesInside = 1_900_000_000

    /// A library of a program for some levels. Throws ``CLibraryError`` if the name is none in C, if the levels differ
    /// in more than their code, or if a program needs OpenBLAS.
    public init(name: String, levels: [Level]) throws(CLibraryError) {
        self.name = name
        self.levels = levels.sorted { Self.rank($0.file.target) > Self.rank($1.file.target) }
        weights = self.levels.first?.file.weights ?? [:]
        try checkName()
        try checkLevels()
        try checkProgram()
    }

    /// How good the code for a target is: the wider the vectors the better, then the more features.
    private static func rank(_ target: CodeTarget) -> (Int, Int) {
        let width = target.features.contains("avx512f") ? 2 : target.features.contains("avx2") ? 1 : 0
        return (width, target.features.count)
    }

    /// Names of which `NAME.h` would hide a header of C or of the system, or functions would be those of one.
    private static let takenNames: Set<String> = [
        "assert", "complex", "ctype", "errno", "fcntl", "fenv", "float", "inttypes", "limits", "locale", "math", "mtx",
        "pthread", "sched", "sem", "semaphore", "setjmp", "signal", "stdarg", "stdatomic", "stdbool", "stddef",
        "stdint", "stdio", "stdlib", "string", "strings", "thrd", "threads", "time", "timer", "tss", "unistd", "wchar",
        "wctype",
    ]

    /// A text as a name in C: what is neither a letter, a digit nor a line becomes a line.
    public static func identifier(_ text: String) -> String {
        let name = String(text.unicodeScalars.map { isPartOfName($0) ? Character($0) : "_" })
        guard let first = name.first, first != "_", !first.isNumber else { return "model_\(name)" }
        return name
    }

    private static func isPartOfName(_ letter: Unicode.Scalar) -> Bool {
        letter.isASCII && (letter.properties.isAlphabetic || letter.properties.numericType != nil) || letter == "_"
    }

    private func checkName() throws(CLibraryError) {
        // `x_pool_create` makes the threads of a library `x`.
        guard !Self.takenNames.contains(name), !name.hasSuffix("_pool") else {
            throw CLibraryError(
                .name,
                "'\(name)' is what names of the system, or inside of other libraries, begin with; take another name")
        }
        guard !name.isEmpty, Self.identifier(name) == name, name != "apus" else {
            throw CLibraryError(
                .name,
                "'\(name)' cannot be the beginning of names in C: it has to be letters of ASCII, digits and lines, a letter "
                    + "first, and not 'apus', by which names of the runtime begin")
        }
    }

    private func checkLevels() throws(CLibraryError) {
        guard let first = levels.first else { throw CLibraryError(.levels, "a library has at least one level") }
        for (number, level) in levels.enumerated() {
            if levels[..<number].contains(where: { $0.name == level.name }) {
                throw CLibraryError(.name, "the level '\(level.name)' is there twice")
            }
            guard level.file.target.architecture == first.file.target.architecture else {
                throw CLibraryError(
                    .levels,
                    "'\(first.name)' is a level of \(first.file.target.architecture), '\(level.name)' of "
                        + "\(level.file.target.architecture); make a library for each")
            }
            let (own, other) = (level.file.program, first.file.program)
            let areEqual =
                own.parameters == other.parameters && own.updates == other.updates && own.inputs == other.inputs
                && own.outputs.map(\.name) == other.outputs.map(\.name)
                && own.outputs.map(\.type) == other.outputs.map(\.type)
            guard areEqual else {
                throw CLibraryError(
                    .levels,
                    "the programs of '\(first.name)' and '\(level.name)' have different inputs, outputs or parameters")
            }
        }
    }

    private func checkProgram() throws(CLibraryError) {
        for level in levels {
            let program = level.file.program
            if let problem = program.problem { throw CLibraryError(.program, "'\(program.name)': \(problem)") }
            for step in program.steps {
                switch step.work {
                case .matmul:
                    throw CLibraryError(
                        .program,
                        "'\(program.name)' has matrix products of OpenBLAS (\(step.name)); compile it with generated "
                            + "products (CompilerOptions.products, --products generated)")
                case .kernel(let symbol, _, _, _) where level.file.code.functions[symbol] == nil:
                    throw CLibraryError(.program, "the code for '\(level.name)' has no kernel '\(symbol)'")
                case .kernel, .sort: break
                // Refused as a problem of the program.
                case .begin, .finish: break
                }
            }
        }
        let names = [program.inputs.map(\.name), program.outputs.map(\.name), program.parameters.map(\.name)]
        if let name = names.joined().first(where: { $0.utf8.contains(0) }) {
            throw CLibraryError(.name, "the name '\(name)' contains a zero, which ends texts in C")
        }
    }

    func checkWeights() throws(CLibraryError) {
        let types = Dictionary(uniqueKeysWithValues: program.parameters.map { ($0.name, $0.type) })
        var bytes = 0
        for (name, data) in weights.sorted(by: { $0.key < $1.key }) {
            guard let type = types[name] else {
                throw CLibraryError(.weights, "there is no parameter '\(name)', of which there are weights")
            }
            guard type == data.type else {
                throw CLibraryError(.weights, "the parameter '\(name)' is \(type), its weights are \(data.type)")
            }
            bytes += type.byteCount
        }
        guard !holdsWeights || bytes <= Self.mostBytesInside else {
            throw CLibraryError(
                .weights, "\(bytes) bytes of weights do not fit into a library; leave them in a file beside it")
        }
    }
}
