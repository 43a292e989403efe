import ApusIR
import Foundation

/// A file test: `// test: <names>`, a text, `// expect:` and what should become of it.
///
/// With APUS_BLESS=1 in the environment the expected part is written anew.
public struct CaseFile {
    public struct Malformed: Error, CustomStringConvertible { public var description: String }

    public let url: URL
    /// What the first line names, such as passes in their order.
    public let names: [String]
    /// The text before, such as a graph.
    public let before: String
    public let expected: String

    /// The files of a folder beside a file of tests, sorted.
    public static func all(in folder: String, beside file: String = #filePath, ending: String = "graph") -> [URL] {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(folder)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == ending }.sorted { $0.path < $1.path }
    }

    public init(_ url: URL) throws {
        self.url = url
        let text = try String(contentsOf: url, encoding: .utf8)
        let first = text.prefix { $0 != "\n" }
        guard let header = first.wholeMatch(of: #/\/\/ test: (.+)/#) else {
            throw Malformed(description: "\(url.lastPathComponent): the first line is not '// test: <names>'")
        }
        names = header.1.split(separator: ", ").map(String.init)
        let parts = text.dropFirst(first.count).components(separatedBy: "// expect:\n")
        guard parts.count == 2 else {
            throw Malformed(description: "\(url.lastPathComponent): one line '// expect:' stands between the parts")
        }
        (before, expected) = (parts[0].trimmingCharacters(in: .newlines) + "\n", parts[1])
    }

    /// What is wrong with what came out; nil if it is as expected, or has been accepted just now.
    public func problem(with found: String) throws -> String? {
        guard ProcessInfo.processInfo.environment["APUS_BLESS"] != "1" else {
            try "// test: \(names.joined(separator: ", "))\n\n\(before)\n// expect:\n\(found)".write(
                to: url, atomically: true, encoding: .utf8)
            return nil
        }
        if found == expected { return nil }
        return "\(url.lastPathComponent): run the tests with APUS_BLESS=1 to accept this, then read the difference:\n"
            + found
    }
}

/// The mistakes that a text's comments `// error: …` state, each as `LINE: MESSAGE`, sorted.
public func statedErrors(_ text: String) -> [String] {
    var stated: [String] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        for part in line.split(separator: "// error: ").dropFirst() {
            stated.append("\(number + 1): " + part.trimmingPrefix(" ").replacing(#/\s+$/#, with: ""))
        }
    }
    return stated.sorted()
}

/// Mistakes in the form of `statedErrors`. One of a result has no line of its own; it stands at the line of the graph's
/// name.
public func foundErrors(_ errors: GraphErrors, in text: String) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let name = 1 + (lines.firstIndex { $0.hasPrefix("graph") } ?? 0)
    return errors.errors.map { mistake in
        let operation = mistake.operation.isEmpty ? "" : "\(mistake.operation): "
        return "\(mistake.location?.line ?? name): \(operation)\(mistake.message)"
    }.sorted()
}
