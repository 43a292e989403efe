import Apus
import Foundation

/// What the passes make of a graph, one after the other: the graph after each that changed it, and the time of all.
public struct PassListing {
    private var lines: [String] = []
    private var seconds = 0.0

    public init() {}

    /// Adds a graph as it is, under a title.
    public mutating func add(_ title: String, _ graph: Graph) {
        lines.append("// \(title)\n\(graph.text(locations: true))")
    }

    /// Runs passes, and adds what they did. Returns the graph after them.
    public mutating func run(_ pipeline: Pipeline, on graph: Graph) throws -> Graph {
        var rewrites: [Rewrite] = [], runs: [PassRun] = []
        let result = try pipeline.run(graph, recording: &rewrites) { runs.append($0) }
        for run in runs { add(run) }
        return result
    }

    /// Adds all that a compiler does with a whole graph until it is scheduled.
    public mutating func compile(_ graph: Graph, by compiler: GraphCompiler) throws {
        _ = try run(compiler.pipeline, on: graph)
    }

    private mutating func add(_ run: PassRun) {
        let duration = run.duration / .seconds(1)
        seconds += duration
        let title = "\(run.pass): " + String(format: "%.2f ms", duration * 1e3)
        if run.before == run.after {
            lines.append("// \(title), nothing changed\n")
        } else {
            add("\(title), \(run.before.nodes.count) nodes became \(run.after.nodes.count)", run.after)
        }
    }

    /// The graphs as text, each under a comment that names the pass; the text form reads each of them back.
    public var text: String {
        (lines + [String(format: "// all passes: %.2f ms\n", seconds * 1e3)]).joined(separator: "\n")
    }
}
