/// Layer paths, of which those that differ in one number only are taken together: `blocks.0…11.attn`.
package struct LayerPaths {
    package struct Group {
        /// The paths as one text; empty at the top.
        package fileprivate(set) var text: String
        /// Which of the given paths are in the group.
        package fileprivate(set) var members: [Int]
    }
    /// In the order in which their first paths came.
    package private(set) var groups: [Group] = []

    package init(_ paths: [String]) {
        var places: [String: Int] = [:], numbers: [[Int]] = []
        for (member, path) in paths.enumerated() {
            var parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let place = parts.firstIndex { Int($0) != nil }
            let number = place.flatMap { Int(parts[$0]) }
            if let place { parts[place] = "#" }
            let pattern = parts.joined(separator: ".")
            let group = places[pattern] ?? groups.count
            if group == groups.count {
                places[pattern] = group
                groups.append(Group(text: pattern, members: []))
                numbers.append([])
            }
            groups[group].members.append(member)
            if let number { numbers[group].append(number) }
        }
        for group in groups.indices where !numbers[group].isEmpty {
            let parts = groups[group].text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            groups[group].text = parts.joined(separator: Self.ranges(Set(numbers[group]).sorted()))
        }
    }

    /// Ascending numbers, those that follow each other as one range: `0…3, 7`.
    private static func ranges(_ numbers: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound == number - 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)…\($0.upperBound)" }.joined(
            separator: ", ")
    }
}
