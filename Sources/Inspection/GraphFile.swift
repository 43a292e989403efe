import Apus
import Foundation

/// A graph in a file, in the text form.
public struct GraphFile: Sendable {
    /// The path that it was read from.
    public let path: String
    /// The graph; its operations are located at the lines of the file.
    public let graph: Graph

    /// Reads and verifies a graph. Throws ``TextFile/Problem``, or ``GraphErrors`` that name the file's lines.
    public init(contentsOf path: String) throws { try self.init(TextFile.read(path), path: path) }

    /// Reads and verifies a text, as what stands in a file.
    init(_ text: String, path: String) throws(GraphErrors) {
        self.path = path
        do {
            graph = try Graph(parsing: text, file: path)
        } catch {
            // Mistakes of results have no place of their own: they belong to the graph as a whole, and so to its name.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let first = lines.firstIndex { $0.drop(while: \.isWhitespace).hasPrefix("graph") } ?? 0
            throw GraphErrors(
                error.errors.map { mistake in
                    var mistake = mistake
                    if mistake.location == nil { mistake.location = SourceLocation(file: path, line: first + 1) }
                    return mistake
                })
        }
    }
}
