import ApusIR
import ApusRuntime

extension CLibrary {
    /// The interface with what is true of this model alone.
    func header(_ interface: String) -> String {
        let names = levels.map(\.name).joined(separator: ", ")
        let bytes = program.parameters.reduce(0) { $0 + $1.type.byteCount }
        var lines = [
            "/// The model \(CText.string(program.name)), compiled by Apus for \(names) of \(levels[0].file.target.architecture).",
            "///",
            "/// An instance takes its threads with it, as many as its options say. It holds \(bytes) bytes of",
            "/// parameters\(sharedText) and, at the best level, \(program.arenaBytes) bytes of intermediate values.",
        ]
        lines += ["///", "/// \(weightsText)", ""]
        lines += list(
            "The inputs, in the order in which they are given", "INPUT", program.inputs,
            limit: { input in
                guard let below = input.below else { return "" }
                return ", from 0 to \(below - 1)" + (input.except.map { " or \($0)" } ?? "")
            })
        lines += [""] + list("The outputs, in the order in which they are given", "OUTPUT", program.outputs) { _ in "" }
        return interface.replacing("//MODEL//", with: lines.joined(separator: "\n"))
    }

    /// What instances do not have for themselves.
    private var sharedText: String {
        guard holdsWeights else { return "" }
        let shared = program.parameters.enumerated().filter { number, parameter in
            weights[parameter.name] != nil && !program.updates.contains(number)
        }
        let bytes = shared.reduce(0) { $0 + $1.element.type.byteCount }
        return bytes == 0 ? "" : ", of which \(bytes) are those in the library until they are set or loaded,"
    }

    private var weightsText: String {
        if program.parameters.isEmpty { return "It has no parameters: a new instance can run at once." }
        let missing = program.parameters.count { weights[$0.name] == nil }
        let rest =
            missing > 0 && missing < program.parameters.count
            ? "; parameters without any, of which there are \(missing), are to be set or initialized" : ""
        if holdsWeights, !weights.isEmpty { return "The weights are inside of the library\(rest)." }
        if weights.isEmpty { return "Parameters are to be set or initialized before the first run." }
        return "The weights are in \(weightsName), which \(lower)load_weights reads\(rest)."
    }

    /// The file beside the library.
    var weightsName: String { "\(name).weights" }

    private func list(
        _ title: String, _ kind: String, _ bindings: [Program.Binding], limit: (Program.Binding) -> String
    ) -> [String] {
        let constants = CText.constants("\(upper)\(kind)_", bindings.map(\.name))
        var lines = ["/// \(title).", "enum {"]
        for (binding, constant) in zip(bindings, constants) {
            let (name, type) = (CText.string(binding.name), binding.type)
            lines.append("    /// \(name), \(type), \(type.byteCount) bytes\(limit(binding)).")
            lines.append("    \(constant),")
        }
        return lines + ["    /// How many there are.", "    \(upper)\(kind)S", "};"]
    }
}
