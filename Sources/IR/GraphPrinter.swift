extension Graph {
    /// The text form: one node a line, its result type at the end. Parsing it gives the same graph back.
    ///
    /// With `locations`, each line ends in a comment that says where the operation was declared.
    public func text(locations: Bool = false) -> String {
        var lines = ["graph @\(isWord(name) ? name : Attribute.text(name).description) {"]
        for value in values {
            var line = "  " + text(of: value)
            if locations, let location = self[value].location { line += "  // \(location)" }
            lines.append(line)
        }
        for result in results {
            switch result.kind {
            case .output(let name): lines.append("  return \(Attribute.text(name)) \(result.value)")
            case .update(let parameter): lines.append("  update \(parameter) \(result.value)")
            }
        }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Whether the text form writes a name without quotes.
    private func isWord(_ name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                        || "_.-".unicodeScalars.contains(scalar))
            }
    }

    /// One node as the text form prints it.
    public func text(of value: Value) -> String {
        let node = self[value]
        var line = "\(value) = \(node.operation.name)"
        if !node.operands.isEmpty { line += " " + node.operands.map(\.description).joined(separator: ", ") }
        let attributes = node.operation.attributes
        if !attributes.isEmpty {
            line += " {" + attributes.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") + "}"
        }
        return line + " : \(node.type)"
    }
}

extension Graph: CustomStringConvertible {
    public var description: String { text() }
}
