import ApusIR

/// Rewrites as text: by pass, then by what was done, with the places where it was.
public struct RewriteSummary: CustomStringConvertible, Sendable {
    private let rewrites: [Rewrite]

    /// A summary of some rewrites.
    public init(_ rewrites: [Rewrite]) { self.rewrites = rewrites }

    public var description: String {
        if rewrites.isEmpty { return "no rewrites" }
        var lines: [String] = []
        for (pass, rewrites) in groups(rewrites, by: { $0.pass + ($0.isDone ? "" : ", not possible") }) {
            lines.append("\(pass): \(rewrites.count)")
            for (note, rewrites) in groups(rewrites, by: { Self.withoutNumbers($0.note) }) {
                lines.append("  \(rewrites.count) x \(note)")
                for group in LayerPaths(rewrites.map { $0.location?.path ?? "" }).groups {
                    let times = group.members.count > 1 ? " (\(group.members.count) times)" : ""
                    lines.append("      " + (group.text.isEmpty ? "outside of layers" : group.text) + times)
                }
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Rewrites with the same key, in the order in which the keys first occur.
    private func groups(_ rewrites: [Rewrite], by key: (Rewrite) -> String) -> [(key: String, rewrites: [Rewrite])] {
        var order: [String] = [], groups: [String: [Rewrite]] = [:]
        for rewrite in rewrites {
            if groups[key(rewrite)] == nil { order.append(key(rewrite)) }
            groups[key(rewrite), default: []].append(rewrite)
        }
        return order.map { ($0, groups[$0]!) }
    }

    /// A note without the numbers of values, which differ from place to place: `%12` becomes `%`.
    private static func withoutNumbers(_ note: String) -> String {
        var result = "", isNumber = false
        for character in note {
            isNumber = character.isNumber && (isNumber || result.last == "%")
            if !isNumber { result.append(character) }
        }
        return result
    }
}
