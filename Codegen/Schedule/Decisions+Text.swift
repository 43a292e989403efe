import ApusIR

extension Graph {
    /// A value in listings of what was decided about it: number, operation and type, such as `%3 add f32[2,5]`.
    fileprivate func label(_ value: Value) -> String {
        let node = self[value]
        let name: String
        switch node.operation {
        case let input as Input: name = "input \"\(input.name)\""
        case let parameter as Parameter: name = "parameter \"\(parameter.name)\""
        default: name = node.operation.name
        }
        return "\(value) \(name) \(node.type)"
    }
}

/// A line for each value: how it is computed.
extension Placement: CustomStringConvertible {
    package var description: String {
        graph.values.map { "\(graph.label($0)): \(self[$0])" }.joined(separator: "\n")
    }
}

extension Role: CustomStringConvertible {
    package var description: String {
        switch self {
        case .leaf: "leaf"
        case .inline: "inline"
        case .loop: "loop"
        case .columnReduction: "column reduction"
        case .matmul: "matmul"
        case .attention: "attention"
        case .scatter: "scatter"
        case .sort: "sort"
        case .concatenate: "concatenate"
        case .collective: "collective"
        }
    }
}

/// For each cluster a line with what it is, and one for each of its members.
extension Clustering: CustomStringConvertible {
    package var description: String {
        var lines: [String] = []
        for (number, cluster) in clusters.enumerated() where !cluster.members.isEmpty {
            lines.append("cluster \(number), level \(cluster.level): \(cluster.kind)")
            lines += cluster.members.map { "  " + graph.label($0) }
        }
        return lines.joined(separator: "\n")
    }
}

extension Cluster.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rows(let rows, let columns): "rows \(rows)x\(columns)"
        case .columnReduction(let shape, let axes):
            "column reduction of \(shapeText(shape)) over axes \(shapeText(axes))"
        case .matmul: "matmul"
        case .attention: "attention"
        case .scatter: "scatter"
        case .sort: "sort"
        case .concatenate: "concatenate"
        case .collective: "collective"
        }
    }
}

/// A line for each buffer, then one for each stored value: its buffer, where it begins there, and its strides in
/// elements, with what is special about them.
extension Layout: CustomStringConvertible {
    package var description: String {
        var lines = buffers.enumerated().map { "b\($0): \($1.kind), \($1.byteCount) bytes" }
        for (value, storage) in stored {
            var line = "\(graph.label(value)): b\(storage.buffer)"
            if storage.offset != 0 { line += " + \(storage.offset)" }
            line += ", strides \(shapeText(storage.strides))"
            if storage.strides != rowMajorStrides(graph[value].type.shape) { line += ", not contiguous" }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}

extension Layout.Buffer.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .arena: "arena"
        case .input(let number): "input \(number)"
        case .parameter(let number): "parameter \(number)"
        case .constants(let number): "constant \(number)"
        }
    }
}
