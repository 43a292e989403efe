import ApusIR
import ApusRuntime
import CRuntime

extension CLibrary {
    /// Bytes that the assembler takes into the library as they are.
    struct Section {
        var symbol: String, file: String
        var isCode: Bool
        var bytes: [UInt8]
    }

    /// Code and constants of all levels, and weights; equal constants are there once.
    func sections() -> (sections: [Section], constants: [String]) {
        var sections: [Section] = [], constants: [String] = []
        for (number, level) in levels.enumerated() {
            sections.append(
                Section(
                    symbol: "\(lower)code_\(number)", file: "code-\(number).bin", isCode: true,
                    bytes: level.file.code.bytes))
            let bytes = level.file.program.constants
            if let known = sections.first(where: { !$0.isCode && $0.bytes == bytes }) {
                constants.append(known.symbol)
                continue
            }
            constants.append("\(lower)constants_\(number)")
            sections.append(
                Section(
                    symbol: "\(lower)constants_\(number)", file: "constants-\(number).bin", isCode: false, bytes: bytes)
            )
        }
        if holdsWeights, !weights.isEmpty {
            sections.append(
                Section(symbol: "\(lower)weights", file: Self.weightsFile, isCode: false, bytes: weightsContent()))
        }
        return (sections, constants)
    }

    private static let weightsFile = "weights.bin"

    /// What names of the runtime begin with in this library: `apus_` and `APUS_` in the runtime's own text.
    var lower: String { "\(name)_" }
    var upper: String { "\(CText.constant(name))_" }

    /// A text of the runtime with the library's names.
    func named(_ text: String) -> String {
        // In one pass: the name may contain what is replaced. A variable of the environment is one for all libraries.
        text.replacing(#/apus_library\.h|apus_|APUS_(?!NUM_THREADS)/#) { match in
            match.output == "apus_" ? lower : match.output == "APUS_" ? upper : "\(name).h"
        }
    }

    /// The C file with the model's tables.
    func modelText(_ sections: [Section], constants: [String]) -> String {
        var text = """
            // The tables of \(CText.string(program.name)), and its code as the assembler takes it in.

            #include <math.h>

            \(architectureCheck)
            #include "\(lower)model.h"


            """
        for section in sections { text += assembly(section) }
        text += tensors("inputs", program.inputs.map { ($0.name, $0.type) })
        text += tensors("outputs", program.outputs.map { ($0.name, $0.type) })
        text += tensors("parameters", program.parameters.map { ($0.name, $0.type) })
        text += CText.table(
            "static const \(lower)limit limits",
            program.inputs.map { input in
                let exception = input.except.map { "1, \(Int32(clamping: $0))" } ?? "0, 0"
                return "{\(UInt32(clamping: input.below ?? 0)), \(exception)}"
            })
        text += CText.table("static const \(lower)initial initials", program.parameters.map(initial))
        text += CText.table(
            "static const unsigned char updates",
            program.parameters.indices.map { program.updates.contains($0) ? "1" : "0" }, none: "0")
        for (number, level) in levels.enumerated() { text += tables(level, number) }
        text += CText.table(
            "static const \(lower)program programs",
            levels.indices.map { entry(levels[$0], $0, constants: constants[$0]) })
        let held = sections.first { $0.file == Self.weightsFile }
        let weights = held.map { "\($0.symbol), \($0.bytes.count)" } ?? "NULL, 0"
        return text + """
            const \(lower)model \(lower)the_model = {
                inputs, limits, \(program.inputs.count), outputs, \(program.outputs.count),
                parameters, initials, updates, \(program.parameters.count), programs, \(levels.count),
                UINT64_C(\(weightsKey)), \(weights),
            };

            """
    }

    /// Lets no compiler for other machines put its code around this.
    private var architectureCheck: String {
        let architecture = levels[0].file.target.architecture
        return """
            #if !defined(__\(architecture)__)
            #error "the code is for \(architecture): take a compiler for it"
            #endif
            """
    }

    /// Takes a file into a section of its own. Code is executed and never written; both can be read.
    private func assembly(_ section: Section) -> String {
        let name = section.isCode ? ".text.\(section.symbol)" : ".rodata.\(section.symbol)"
        let alignment = section.isCode ? CodeImage.alignment : Memory.alignment
        return """
            __asm__(
                ".pushsection \(name),\\"\(section.isCode ? "ax" : "a")\\",%progbits\\n"
                ".balign \(alignment)\\n"
                "\(section.symbol):\\n"
                ".incbin \\"\(section.file)\\"\\n"
                ".byte 0\\n"
                ".popsection\\n");
            extern const unsigned char \(section.symbol)[] __attribute__((visibility("hidden")));


            """
    }

    private func tensors(_ table: String, _ tensors: [(name: String, type: TensorType)]) -> String {
        var text = ""
        for (number, tensor) in tensors.enumerated() where tensor.type.rank > 0 {
            let extents = tensor.type.shape.map(String.init).joined(separator: ", ")
            text += "static const size_t \(table)_shape_\(number)[] = {\(extents)};\n"
        }
        return text
            + CText.table(
                "static const \(lower)tensor \(table)",
                tensors.enumerated().map { number, tensor in
                    let shape = tensor.type.rank > 0 ? "\(table)_shape_\(number)" : "NULL"
                    return
                        "{\(CText.string(tensor.name)), \(upper)\(tensor.type.element.rawValue.uppercased()), \(tensor.type.rank), "
                        + "\(shape), \(tensor.type.byteCount)}"
                }, none: "{NULL, \(upper)F32, 0, NULL, 0}")
    }

    private func initial(_ parameter: Parameter) -> String {
        let initial = parameter.initializer.initial(for: parameter.type)
        let name =
            switch initial.distribution {
            case APUS_CONSTANT: "\(upper)CONSTANT"
            case APUS_NORMAL: "\(upper)NORMAL"
            case APUS_TRUNCATED_NORMAL: "\(upper)TRUNCATED_NORMAL"
            case APUS_UNIFORM: "\(upper)UNIFORM"
            case APUS_SINE_COSINE_2D: "\(upper)SINE_COSINE_2D"
            default: "\(upper)SEED"
            }
        return "{\(name), \(CText.number(initial.first)), \(CText.number(initial.second)), \(initial.grid), "
            + "\(initial.rows), \(initial.columns)}"
    }

    /// Steps, arguments and features of a level.
    private func tables(_ level: Level, _ number: Int) -> String {
        var steps: [String] = [], arguments: [String] = []
        for step in level.file.program.steps {
            let first = arguments.count
            switch step.work {
            case .kernel(let symbol, let locations, let count, let grain):
                arguments += locations.map(location)
                let place = level.file.code.functions[symbol] ?? 0
                steps.append("{\(upper)KERNEL, \(first), \(locations.count), \(count), \(grain), \(place), 0, 0}")
            case .sort(let sort):
                arguments += [location(sort.source), location(sort.result)]
                steps.append("{\(upper)SORT, \(first), 2, \(sort.rows), 0, 0, \(sort.width), \(sort.rowStride)}")
            case .matmul, .begin, .finish: break  // refused when the library was made
            }
        }
        return CText.table(
            "static const \(lower)step steps_\(number)", steps, none: "{\(upper)KERNEL, 0, 0, 0, 0, 0, 0, 0}")
            + CText.table(
                "static const \(lower)location arguments_\(number)", arguments, none: "{\(upper)ARENA, 0, 0}")
            + CText.table(
                "static const \(lower)location outputs_\(number)",
                level.file.program.outputs.map { location($0.location) },
                none: "{\(upper)ARENA, 0, 0}")
            + CText.table(
                "static const char *const features_\(number)", level.file.target.features.map(CText.string) + ["NULL"])
    }

    private func location(_ location: Location) -> String {
        let (region, number) =
            switch location.region {
            case .arena: ("\(upper)ARENA", 0)
            case .input(let number): ("\(upper)INPUT", number)
            case .parameter(let number): ("\(upper)PARAMETER", number)
            case .constants: ("\(upper)CONSTANTS", 0)
            }
        return "{\(region), \(number), \(location.byteOffset)}"
    }

    private func entry(_ level: Level, _ number: Int, constants: String) -> String {
        let program = level.file.program
        let arguments = program.steps.reduce(0) { count, step in
            switch step.work {
            case .kernel(_, let arguments, _, _): count + arguments.count
            case .sort: count + 2
            case .matmul, .begin, .finish: count
            }
        }
        let target = level.file.target
        return "{\(CText.string(level.name)), \(CText.string(target.architecture)), "
            + "\(CText.string(target.processor)), features_\(number), "
            + "\(lower)code_\(number), \(constants), \(program.arenaBytes), \(program.scratchBytes), steps_\(number), "
            + "\(program.steps.count), \(program.preparationCount), arguments_\(number), \(arguments), outputs_\(number)}"
    }
}
