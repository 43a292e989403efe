import ApusIR

/// A step from graph to graph: a name for messages and statistics, and what it does.
public struct Pass: Sendable {
    /// What messages and `apus explain` call it.
    public var name: String
    private let body: @Sendable (Graph, inout [Rewrite]) throws -> Graph

    /// A pass that tells what it rewrote where.
    public init(_ name: String, recording body: @escaping @Sendable (Graph, inout [Rewrite]) throws -> Graph) {
        self.name = name
        self.body = body
    }

    /// A pass that keeps no record.
    public init(_ name: String, _ body: @escaping @Sendable (Graph) throws -> Graph) {
        self.init(name, recording: { graph, _ in try body(graph) })
    }

    /// The graph after the pass.
    public func run(_ graph: Graph) throws -> Graph {
        var rewrites: [Rewrite] = []
        return try run(graph, recording: &rewrites)
    }

    /// The graph after the pass; what it rewrote is added to the record.
    ///
    /// Throws `GraphErrors` for what the pass does not offer, and a `PassDefect` for mistakes that it has made itself.
    public func run(_ graph: Graph, recording rewrites: inout [Rewrite]) throws -> Graph {
        do {
            return try body(graph, &rewrites)
        } catch let errors as GraphErrors where errors.errors.contains(where: { $0.code != .unsupported }) {
            throw PassDefect(pass: name, errors: errors)
        }
    }
}

/// One place at which a pass changed the graph, or could not, as `apus explain` shows it.
public struct Rewrite: Hashable, Sendable {
    /// Name of the pass.
    public var pass: String
    /// What was done, such as "3 matmuls of %12 became one", or what kept it from being done.
    public var note: String
    /// Whether the graph was changed: otherwise it looked as if it could be.
    public var isDone: Bool
    /// Where what was rewritten had been declared.
    public var location: SourceLocation?

    /// A note of a pass about a place.
    public init(pass: String, note: String, isDone: Bool = true, location: SourceLocation?) {
        self.pass = pass
        self.note = note
        self.isDone = isDone
        self.location = location
    }
}

/// One run of a pass: what it was given, what came out, and how long it took.
public struct PassRun: Sendable {
    /// Name of the pass.
    public var pass: String
    /// The graph that it was given.
    public var before: Graph
    /// The graph that came out.
    public var after: Graph
    /// How long it took.
    public var duration: Duration

    /// What a pass made of a graph.
    public init(pass: String, before: Graph, after: Graph, duration: Duration) {
        self.pass = pass
        self.before = before
        self.after = after
        self.duration = duration
    }
}

/// A pass left a graph that breaks the rules of the IR: a defect of the compiler, not of the user's model.
public struct PassDefect: Error, CustomStringConvertible {
    /// Name of the pass.
    public var pass: String
    /// What is wrong with the graph.
    public var errors: GraphErrors

    package init(pass: String, errors: GraphErrors) {
        self.pass = pass
        self.errors = errors
    }

    public var description: String {
        "compiler defect: the graph after pass '\(pass)' is malformed; please report it with the model\n\(errors)"
    }
}

/// Runs passes one after the other, and verifies what came out.
public struct Pipeline: Sendable {
    /// The passes, in order.
    public var passes: [Pass]
    /// Passes in order.
    public init(_ passes: [Pass]) { self.passes = passes }

    /// From a traced and differentiated graph to primitives without duplicates.
    public static let standard = standard { _, _ in false }

    /// The same with some composites, for which a back end has kernels.
    ///
    /// - Parameter obstacle: As ``Pass/decompose(keeping:explaining:)`` has it.
    public static func standard(
        keeping isKept: @escaping @Sendable (Graph, Node) -> Bool,
        explaining obstacle: @escaping @Sendable (Graph, Node) -> String? = { _, _ in nil }
    ) -> Pipeline {
        Pipeline([
            .deadCode, .decompose(keeping: isKept, explaining: obstacle), .placeLogSums, .simplify,
            .commonSubexpressions, .joinProducts, .deadCode,
        ])
    }

    /// The graph after all passes; throws as ``run(_:recording:observe:)``.
    public func run(_ graph: Graph) throws -> Graph {
        var rewrites: [Rewrite] = []
        return try run(graph, recording: &rewrites)
    }

    /// Runs the passes; what they rewrote is added to the record. `observe` is told of each pass when it is done.
    public func run(
        _ graph: Graph, recording rewrites: inout [Rewrite], observe: ((PassRun) -> Void)? = nil
    ) throws -> Graph {
        var result = graph
        for pass in passes {
            let start = ContinuousClock.now
            let changed = try pass.run(result, recording: &rewrites)
            observe?(PassRun(pass: pass.name, before: result, after: changed, duration: ContinuousClock.now - start))
            result = changed
        }
        do { try result.verify() } catch {
            throw try defect(graph) ?? PassDefect(pass: passes.last?.name ?? "", errors: error)
        }
        return result
    }

    /// The pass that breaks the rules first, found by running all of them once more.
    private func defect(_ graph: Graph) throws -> PassDefect? {
        var graph = graph
        for pass in passes {
            graph = try pass.run(graph)
            do { try graph.verify() } catch { return PassDefect(pass: pass.name, errors: error) }
        }
        return nil
    }
}
