import Apus
import Foundation

/// A file of recorded results. Its tensors are taken one by one, so that those nobody has asked for are known at the
/// end.
struct Recording {
    let path: String
    let kind: String
    private let file: SafetensorsFile
    private let description: Data
    /// Names of the tensors that have not been taken.
    private(set) var remaining: Set<String>

    private struct Kind: Decodable { let kind: String }

    init(contentsOf path: String) throws(ReplayError) {
        self.path = path
        do {
            file = try SafetensorsFile(contentsOf: path)
        } catch {
            let prefix = "\(path): "
            throw ReplayError(
                .unreadable, path: path,
                error.description.hasPrefix(prefix)
                    ? String(error.description.dropFirst(prefix.count)) : error.description)
        }
        guard let text = file.metadata["fixture"] else {
            throw ReplayError(.notARecording, path: path, "not a recording: the header has no entry \"fixture\"")
        }
        description = Data(text.utf8)
        remaining = Set(file.names)
        kind = try Self.decode(Kind.self, description, path).kind
    }

    /// What the file says of itself.
    func description<Description: Decodable>(_ type: Description.Type) throws(ReplayError) -> Description {
        try Self.decode(type, description, path)
    }

    private static func decode<Description: Decodable>(
        _ type: Description.Type, _ data: Data, _ path: String
    ) throws(ReplayError) -> Description {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw ReplayError(.badDescription, path: path, "the entry \"fixture\" \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        }
        switch error as? DecodingError {
        case .keyNotFound(let key, let context): return "has no \"\(place(context.codingPath + [key]))\""
        case .valueNotFound(_, let context): return "has no value for \"\(place(context.codingPath))\""
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty:
            return "has a value of the wrong type for \"\(place(context.codingPath))\""
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "has an impossible value for \"\(place(context.codingPath))\""
        default: return "is not a JSON object that describes a recording"
        }
    }

    // MARK: Tensors

    func contains(_ name: String) -> Bool { file.contains(name) }

    /// Takes the floating-point numbers of a tensor.
    mutating func floats(_ name: String, _ shape: [Int]) throws(ReplayError) -> TensorData {
        try check(name, shape)
        let values = try read { () throws(SafetensorsError) in try file.floats(name) }
        return try data(name) { () throws(RuntimeError) in try TensorData(values, shape: shape) }
    }

    /// Takes the floating-point numbers of a tensor as they are recorded, and whether that is in single precision.
    mutating func doubles(_ name: String, _ shape: [Int]) throws(ReplayError) -> (values: [Double], isSingle: Bool) {
        try check(name, shape)
        return try read { () throws(SafetensorsError) in (try file.doubles(name), try file.elementType(name) == .f32) }
    }

    private func data(_ name: String, _ make: () throws(RuntimeError) -> TensorData) throws(ReplayError) -> TensorData {
        do { return try make() } catch { throw ReplayError(.contradiction, path: path, "\(name): \(error)") }
    }

    /// Takes the integers of a tensor, all of which lie in a range.
    mutating func integers(_ name: String, _ shape: [Int], in range: Range<Int>) throws(ReplayError) -> TensorData {
        try check(name, shape)
        let values = try read { () throws(SafetensorsError) in try file.integers(name) }
        guard let wrong = values.first(where: { !range.contains($0) }) else {
            return try data(name) { () throws(RuntimeError) in try TensorData(values, shape: shape) }
        }
        throw ReplayError(
            .contradiction, path: path,
            "\(name) holds \(wrong), which is not in \(range.lowerBound)..<\(range.upperBound)")
    }

    /// Takes the numbers of a parameter: floating-point numbers, or integers from 0 on.
    mutating func numbers(_ name: String, _ type: TensorType) throws(ReplayError) -> TensorData {
        type.element == .i32 ? try integers(name, type.shape, in: 0..<Int(Int32.max)) : try floats(name, type.shape)
    }

    /// Takes a tensor of bytes.
    mutating func bytes(_ name: String, _ shape: [Int]) throws(ReplayError) -> [UInt8] {
        try check(name, shape)
        guard try read({ () throws(SafetensorsError) in try file.elementType(name) }) == .u8 else {
            throw ReplayError(.contradiction, path: path, "\(name) does not hold bytes (U8)")
        }
        return try read { () throws(SafetensorsError) in try file.bytes(name) }
    }

    /// Takes a tensor of any type and shape.
    mutating func anyTensor(_ name: String) throws(ReplayError) -> (
        elementType: SafetensorsElementType, shape: [Int], bytes: [UInt8]
    ) {
        let shape = try shape(name)
        remaining.remove(name)
        return try read { () throws(SafetensorsError) in (try file.elementType(name), shape, try file.bytes(name)) }
    }

    /// The shape of a tensor.
    func shape(_ name: String) throws(ReplayError) -> [Int] {
        guard file.contains(name) else {
            throw ReplayError(.missingTensor, path: path, "the tensor \(name) is missing")
        }
        return try read { () throws(SafetensorsError) in try file.shape(name) }
    }

    /// Throws if tensors are left that nobody has taken.
    func expectNothingLeft() throws(ReplayError) {
        guard !remaining.isEmpty else { return }
        let names = remaining.sorted(), shown = names.prefix(3).map { String($0.prefix(100)) }.joined(separator: ", ")
        throw ReplayError(
            .unknownTensor, path: path,
            "\(shown)\(names.count > 3 ? " and \(names.count - 3) more are" : names.count > 1 ? " are" : " is") not part of such a recording of '\(kind)'"
        )
    }

    private mutating func check(_ name: String, _ shape: [Int]) throws(ReplayError) {
        let found = try self.shape(name)
        guard found == shape else {
            throw ReplayError(
                .contradiction, path: path,
                "\(name) is \(shapeText(found)), not \(shapeText(shape)) as its description says")
        }
        remaining.remove(name)
    }

    private func read<Result>(_ body: () throws(SafetensorsError) -> Result) throws(ReplayError) -> Result {
        do { return try body() } catch {
            throw ReplayError(.contradiction, path: path, "\(error.tensor ?? ""): \(error.message)")
        }
    }
}
