import ApusIR

extension Pass {
    /// Computes the whole forward pass again in the backward pass, segment by segment.
    public static let rematerialize = rematerialize { RecomputationPlan($0).segments }

    /// Computes segments of the forward pass again in the backward pass, right before it reads them, instead of keeping
    /// what it reads.
    ///
    /// A graph in which something is computed again already stays as it is.
    public static func rematerialize(_ choose: @escaping @Sendable (Graph) -> [RecomputationPlan.Segment]) -> Pass {
        Pass(
            "rematerialize",
            recording: { graph, rewrites in
                guard !graph.nodes.contains(where: { $0.operation is OptimizationBarrier }) else { return graph }
                let plan = RecomputationPlan(graph)
                var again = Recomputation(graph, plan, choose(graph))
                let result = again.graph()
                // What waits for nothing could be computed at once, and would be kept again.
                guard result.nodes.contains(where: { $0.operation is OptimizationBarrier }) else { return graph }
                rewrites += again.rewrites
                return try Pass.deadCode.run(result)
            })
    }
}

/// A graph in which the backward pass reads what has been computed a second time.
private struct Recomputation {
    private let old: Graph
    private var new: Graph
    private(set) var rewrites: [Rewrite] = []
    /// The segment that a value is computed again in, if it is.
    private var segmentOf: [Value: Int] = [:]
    /// Value of the backward pass after which each segment is computed again.
    private var anchors: [Value?] = []
    private let end: Int
    private var mapped: [Value] = []
    private var copies: [Value: Value] = [:]

    private struct Late: Hashable { var value: Value, segment: Int }
    private var late: [Late: Value] = [:]

    init(_ graph: Graph, _ plan: RecomputationPlan, _ segments: [RecomputationPlan.Segment]) {
        old = graph
        new = Graph(name: graph.name)
        end = plan.end
        for (number, segment) in segments.enumerated() {
            for value in plan.again(in: segment) { segmentOf[value] = number }
        }
        findAnchors(plan, segments.count)
        for (number, segment) in segments.enumerated() where anchors[number] != nil {
            let values = plan.again(in: segment)
            let operations = values.reduce(0) { $0 + graph.floatingPointOperations(of: $1) }
            guard operations > 0 else { continue }
            rewrites.append(
                Rewrite(
                    pass: "rematerialize",
                    note:
                        "\(mega(operations)) MFLOP are computed again, so that \(mega(plan.saved(in: segment))) MB are not kept",
                    location: values.last { graph.floatingPointOperations(of: $0) > 0 }.flatMap { graph[$0].location }))
        }
    }

    private func mega(_ count: Int) -> String {
        "\((count + 50_000) / 100_000 / 10).\((count + 50_000) / 100_000 % 10)"
    }

    /// The last matmul on the way of the gradient before the backward pass reads something of a segment.
    private mutating func findAnchors(_ plan: RecomputationPlan, _ count: Int) {
        anchors = [Value?](repeating: nil, count: count)
        var isFound = [Bool](repeating: false, count: count), last: Value?
        for value in old.values where value.index >= end {
            for operand in old[value].operands {
                guard let segment = segmentOf[operand], !isFound[segment] else { continue }
                (isFound[segment], anchors[segment]) = (true, last)
            }
            let isGradient = old[value].operation is Dot || old[value].operation is AttentionGradient
            if isGradient, !plan.isBehindMatmuls[value.index] { last = value }
        }
    }

    mutating func graph() -> Graph {
        for value in old.values {
            var node = old[value]
            node.operands = node.operands.map { value.index < end ? mapped[$0.index] : again($0) ?? mapped[$0.index] }
            mapped.append(add(node))
        }
        new.results = old.results.map { result in
            switch result.kind {
            case .output: GraphResult(result.kind, mapped[result.value.index])
            case .update(let parameter):
                GraphResult(.update(parameter: mapped[parameter.index]), mapped[result.value.index])
            }
        }
        return new
    }

    private mutating func add(_ node: Node) -> Value {
        new.nodes.append(node)
        return Value(new.nodes.count - 1)
    }

    /// The value computed again, if its segment is.
    private mutating func again(_ value: Value) -> Value? {
        guard let segment = segmentOf[value], let anchor = anchors[segment] else { return nil }
        if let copy = copies[value] { return copy }
        var node = old[value]
        node.operands = node.operands.map { again($0) ?? delayed($0, segment, anchor) }
        let copy = add(node)
        copies[value] = copy
        return copy
    }

    /// A value that is kept, for use after the anchor of a segment. Parameters and constants are there at any time;
    /// inputs too, but what is computed of them again shall wait.
    private mutating func delayed(_ value: Value, _ segment: Int, _ anchor: Value) -> Value {
        guard !old[value].operands.isEmpty || old[value].operation is Input else { return mapped[value.index] }
        let key = Late(value: value, segment: segment)
        if let known = late[key] { return known }
        let delayed = add(
            Node(
                OptimizationBarrier(), [mapped[value.index], mapped[anchor.index]], old[value].type,
                location: old[value].location))
        late[key] = delayed
        return delayed
    }
}
