/// Rewrites as text: by pass, then by what was done, with the places where it was.
public struct RewriteSummary: CustomStringConvertible, Sendable {
    private let rewrites: [Rewrite]

    public init(_ rewrites: [Rewrite]) { self.rewrites = rewrites }

    public var description: String {
        if rewrites.isEmpty { return "no rewrites" }
        var lines: [String] = []
        for (pass, rewrites) in groups(rewrites, by: \.pass) {
            lines.append("\(pass): \(rewrites.count)")
            for (note, rewrites) in groups(rewrites, by: { Self.withoutNumbers($0.note) }) {
                lines.append("  \(rewrites.count) x \(note)")
                lines += Self.folded(rewrites.map { $0.location?.path ?? "" }).map { "      \($0)" }
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

    /// Layer paths of which those that differ in one number only are one: `blocks.0…11.attn (12 times)`.
    package static func folded(_ paths: [String]) -> [String] {
        var order: [String] = [], numbers: [String: [Int]] = [:]
        for path in paths {
            var parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let place = parts.firstIndex { Int($0) != nil }
            let number = place.flatMap { Int(parts[$0]) } ?? -1
            if let place { parts[place] = "#" }
            let pattern = parts.joined(separator: ".")
            if numbers[pattern] == nil { order.append(pattern) }
            numbers[pattern, default: []].append(number)
        }
        return order.map { pattern in
            let all = numbers[pattern]!, distinct = Set(all).sorted()
            let times = all.count > 1 ? " (\(all.count) times)" : ""
            let name = pattern.isEmpty ? "outside of layers" : pattern
            return name.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).joined(separator: ranges(distinct)) + times
        }
    }

    /// Ascending numbers with runs of them shortened: `0…3, 7`.
    private static func ranges(_ numbers: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = runs.last, last.upperBound == number - 1 {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)…\($0.upperBound)" }.joined(separator: ", ")
    }
}
