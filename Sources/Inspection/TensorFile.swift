import Apus
import Foundation

/// A file with numbers for inputs, as it is named on a command line.
public struct InputFile: Hashable, Sendable {
    /// The input that the file is for; nil for a file that holds several, by name.
    public let name: String?
    public let path: String

    /// `name=FILE.npy`, `name=FILE.npz` or `name=FILE.safetensors` (its array or tensor of that name), `FILE.npz`, each
    /// of whose arrays is an input, or `FILE.safetensors` for every input that it has a tensor for. Nil for anything
    /// else.
    public init?(_ argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        name = parts.count == 2 ? parts[0] : nil
        path = parts.last ?? ""
        let hasNames = path.hasSuffix(".safetensors") || path.hasSuffix(".npz")
        guard name != "", hasNames || (path.hasSuffix(".npy") && name != nil) else { return nil }
    }

    /// Reads what the file has for the inputs of a program.
    func tensors(for inputs: [Program.Binding]) throws -> [String: TensorData] {
        let wanted = inputs.filter { name == nil || $0.name == name }
        func unknown(_ name: String) -> RuntimeError {
            RuntimeError(
                .name, "'\(name)' is not an input of the graph, which has \(inputs.map(\.name).joined(separator: ", "))"
            )
        }
        if let name, wanted.isEmpty { throw unknown(name) }
        if path.hasSuffix(".npy") {
            let file = try NPYFile(contentsOf: path)
            return try tensors(wanted) { _ in (file.elementType, file.shape, file.bytes) }
        }
        if path.hasSuffix(".npz") {
            let file = try NPZFile(contentsOf: path)
            // What is in an archive was put there to be an input; a file of weights may have anything.
            if name == nil, let other = file.names.first(where: { name in !inputs.contains { $0.name == name } }) {
                throw RuntimeError(.name, "\(path): \(unknown(other).message)")
            }
            return try tensors(wanted.filter { name != nil || file.contains($0.name) }) { name in
                (try file.elementType(name), try file.shape(name), try file.bytes(name))
            }
        }
        let file = try SafetensorsFile(contentsOf: path)
        return try tensors(wanted.filter { name != nil || file.contains($0.name) }) { name in
            (try file.elementType(name), try file.shape(name), try file.bytes(name))
        }
    }

    private func tensors(
        _ inputs: [Program.Binding], _ read: (String) throws -> (SafetensorsElementType, [Int], [UInt8])
    ) throws -> [String: TensorData] {
        var tensors: [String: TensorData] = [:]
        for input in inputs {
            let (elements, shape, bytes) = try read(input.name)
            tensors[input.name] = try TensorData(
                elements, shape, bytes, as: input.type, what: "\(path): the input '\(input.name)'")
        }
        return tensors
    }
}

/// Where results go: one safetensors file, or a folder with a `.npy` file for each.
public struct OutputPlace: Hashable, Sendable {
    public let path: String
    private var isFile: Bool { path.hasSuffix(".safetensors") }

    /// Throws if nothing can be written there: to be asked before what takes long. A folder is made if it is missing.
    public init(_ path: String) throws {
        self.path = path
        if isFile { try AtomicFile.check(path) } else { try Folders.make(path) }
    }

    /// Writes tensors under their names. A name that is no file's name cannot go into a folder.
    func write(_ tensors: [(name: String, data: TensorData)]) throws {
        guard !isFile else {
            return try SafetensorsWriter.write(
                to: path,
                tensors: tensors.map { name, data in
                    SafetensorsWriter.Tensor(name, data.type.element.safetensors, data.type.shape) {
                        data.withBytes { Array($0) }
                    }
                })
        }
        for (name, _) in tensors where name.isEmpty || name.contains("/") || name.contains("\0") || name.hasPrefix(".")
        {
            throw RuntimeError(
                .name, "the result '\(name)' cannot be the name of a file in \(path); write to a .safetensors file")
        }
        for (name, data) in tensors { try NPYFile.write(data, to: "\(path)/\(name).npy") }
    }
}

extension ElementType {
    fileprivate var safetensors: SafetensorsElementType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .f64: .f64
        case .i32: .i32
        case .bool: .bool
        }
    }
}
