import ApusCodegen
import ApusDigest
import ApusIR
import Foundation

/// The operations of a model by layer, as it was declared: what a run goes on with is told apart from another model
/// whose weights have the same names and shapes. It does not depend on the machine, nor on what a compiler makes of it.
struct ModelDescription: Codable, Hashable {
    /// A layer's path, and a digest of the operations in it with their attributes, their types and whence they read.
    private struct Layer: Codable, Hashable {
        var path: String, digest: String
    }

    /// The version of Apus that traced the model: others may make the same layers of other operations.
    private var version = BuildDescription.version
    private var layers: [Layer]
    /// Of all operations with their operands, layers apart.
    private var whole: String

    /// Describes the graph of a forward pass.
    init(_ graph: Graph) {
        var paths: [String] = [], texts: [String: [String]] = [:], all: [String] = []
        /// The number of each node in its layer.
        var numbers: [Int] = []
        for node in graph.nodes {
            let path = node.location?.path ?? ""
            let operands = node.operands.map { operand -> String in
                let other = graph[operand].location?.path ?? ""
                return other == path ? "\(numbers[operand.index])" : other
            }
            let operation = Self.text(node)
            if texts[path] == nil { paths.append(path) }
            numbers.append(texts[path, default: []].count)
            texts[path, default: []].append(([operation] + operands).joined(separator: "\u{0}"))
            all += [operation] + node.operands.map(\.description)
        }
        all += graph.results.map { "\($0.kind) \($0.value)" }
        layers = paths.map { Layer(path: $0, digest: Self.digest(texts[$0] ?? [])) }
        whole = Self.digest(all)
    }

    /// How a weight was filled when it was new does not matter to a run that goes on.
    private static func text(_ node: Node) -> String {
        let attributes = node.operation.attributes.filter { !(node.operation is Parameter && $0.name == "init") }
        return node.operation.name + attributes.map { " \($0.name)=\($0.value)" }.joined() + " \(node.type)"
    }

    private static func digest(_ texts: [String]) -> String { String(Digest(texts).hexadecimal.prefix(16)) }

    /// What another model has that this one has not, or the other way around, in words; nil if both are the same, or if
    /// they cannot be compared.
    func difference(from other: ModelDescription) -> String? {
        guard version == other.version, self != other else { return nil }
        let own = Set(layers.map(\.path)), known = Set(other.layers.map(\.path))
        func name(_ path: String) -> String { path.isEmpty ? "what lies outside of layers" : "the layer '\(path)'" }
        // In the order in which both begin, up to where they part.
        for (layer, before) in zip(layers, other.layers) where layer != before {
            if !known.contains(layer.path) { return "\(name(layer.path)) was not there" }
            if !own.contains(before.path) { return "there was \(name(before.path))" }
            return "\(name(layer.path)) computed something else"
        }
        if let new = layers.dropFirst(other.layers.count).first { return "\(name(new.path)) was not there" }
        if let gone = other.layers.dropFirst(layers.count).first { return "there was \(name(gone.path))" }
        return "layers read one another otherwise"
    }
}

extension ModelDescription {
    /// The key in the metadata of a checkpoint.
    private static let key = "model"

    var metadata: [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(self) else { preconditionFailure("texts can be encoded") }
        return [Self.key: String(decoding: data, as: UTF8.self)]
    }

    /// What a checkpoint says; nil in one of a version that did not say so. Throws
    /// ``RunError/foreignCheckpoint(path:reason:)``.
    init?(_ file: SafetensorsFile) throws(RunError) {
        guard let text = file.metadata[Self.key] else { return nil }
        guard let known = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else {
            throw .foreignCheckpoint(path: file.path, reason: "what its metadata says of the model cannot be read")
        }
        self = known
    }
}
