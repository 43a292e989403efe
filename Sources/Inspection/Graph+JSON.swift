import Apus

extension Graph {
    /// The graph as JSON: its nodes in order, a line each, with operation, operands, attributes, type and where they
    /// were declared; and its results.
    ///
    /// A number that JSON does not know is a text: `"inf"`, `"-inf"` or `"nan"`.
    public var json: String {
        let nodes = values.map { "    " + json(of: $0) }, results = results.map { "    " + json(of: $0) }
        func list(_ lines: [String]) -> String { lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]" }
        return """
            {
              "name": \(JSONText.quoted(name)),
              "nodes": \(list(nodes)),
              "results": \(list(results))
            }

            """
    }

    private func json(of value: Value) -> String {
        let node = self[value]
        var members = [
            ("id", "\(value.index)"), ("operation", JSONText.quoted(node.operation.name)),
            ("operands", "\(node.operands.map(\.index))"),
            ("attributes", object(node.operation.attributes.map { ($0.name, $0.value.json) })),
            (
                "type",
                object([("element", JSONText.quoted(node.type.element.rawValue)), ("shape", "\(node.type.shape)")])
            ),
        ]
        if let location = node.location {
            members.append(
                (
                    "location",
                    object([
                        ("file", JSONText.quoted(location.file)), ("line", "\(location.line)"),
                        ("path", JSONText.quoted(location.path)),
                    ])
                ))
        }
        return object(members)
    }

    private func json(of result: GraphResult) -> String {
        switch result.kind {
        case .output(let name):
            object([("kind", "\"output\""), ("name", JSONText.quoted(name)), ("value", "\(result.value.index)")])
        case .update(let parameter):
            object([
                ("kind", "\"update\""), ("parameter", "\(parameter.index)"), ("value", "\(result.value.index)"),
            ])
        }
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(JSONText.quoted($0)): \($1)" }.joined(separator: ", ") + "}"
    }
}

extension Attribute {
    fileprivate var json: String {
        switch self {
        case .integer(let value): "\(value)"
        case .integers(let values): "\(values)"
        case .number(let value): Self.json(value)
        case .numbers(let values): "[" + values.map(Self.json).joined(separator: ", ") + "]"
        case .text(let value): JSONText.quoted(value)
        case .flag(let value): "\(value)"
        }
    }

    private static func json(_ value: Double) -> String { value.isFinite ? "\(value)" : "\"\(value)\"" }
}
