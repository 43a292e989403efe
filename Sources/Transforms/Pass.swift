import ApusIR

/// A step from graph to graph: a name for messages and statistics, and what it does.
public struct Pass: Sendable {
    public var name: String
    public var run: @Sendable (Graph) throws -> Graph

    public init(_ name: String, _ run: @escaping @Sendable (Graph) throws -> Graph) {
        self.name = name
        self.run = run
    }
}

/// A pass left a graph that breaks the rules of the IR: a defect of the compiler, not of the user's model.
public struct PassDefect: Error, CustomStringConvertible {
    public var pass: String
    public var errors: GraphErrors
    public var description: String { "compiler defect: the graph after pass '\(pass)' is malformed\n\(errors)" }
}

/// Runs passes one after the other and verifies the graph after each.
public struct Pipeline: Sendable {
    public var passes: [Pass]
    public init(_ passes: [Pass]) { self.passes = passes }

    /// From a traced and differentiated graph to primitives without duplicates.
    public static let standard = Pipeline([.deadCode, .decompose, .simplify, .commonSubexpressions, .deadCode])

    public func run(_ graph: Graph) throws -> Graph {
        var graph = graph
        for pass in passes {
            graph = try pass.run(graph)
            do { try graph.verify() } catch { throw PassDefect(pass: pass.name, errors: error) }
        }
        return graph
    }
}
