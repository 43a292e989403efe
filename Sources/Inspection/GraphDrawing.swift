import Apus

/// A graph as a drawing for Graphviz: operations in boxes of their layers, the forward pass apart from the rest.
///
/// What only shows numbers in another way is left out, and the names of parameters stand in the operations that read
/// them. A layer below the drawn depth is one node.
public struct GraphDrawing {
    private let graph: Graph
    /// Names of a path that boxes are drawn for.
    public let depth: Int
    /// The node that each value is drawn as; nil for parameters and what is generated.
    private var nodes: [Int?] = []
    private var drawn: [Drawn] = []

    private struct Drawn {
        /// The boxes that it lies in, from outside.
        var boxes: [String]
        /// The next name of its path, if it stands for a whole layer.
        var layer: String?
        var operations: [String] = []
        var parameters: [String] = []
        var type: TensorType
    }

    /// Nodes above which a drawing has less depth, unless that was asked for.
    private static let mostNodes = 150

    /// A drawing down to `depth` names of paths; without it, as deep as it stays readable.
    public init(_ graph: Graph, depth: Int? = nil) {
        if let depth {
            self.init(graph, atDepth: max(0, depth))
            return
        }
        let deepest = graph.nodes.map { Self.path($0).count }.max() ?? 0
        var drawing = GraphDrawing(graph, atDepth: deepest + 1)
        for depth in (0...deepest).reversed() where drawing.drawn.count > Self.mostNodes {
            drawing = GraphDrawing(graph, atDepth: depth)
        }
        self = drawing
    }

    private static func path(_ node: Node) -> [String] {
        (node.location?.path ?? "").split(separator: ".").map(String.init)
    }

    private init(_ graph: Graph, atDepth depth: Int) {
        self.graph = graph
        self.depth = depth
        let isForward = Self.forward(graph)
        var layers: [String: Int] = [:]
        for value in graph.values {
            let node = graph[value]
            switch node.operation.kind {
            case .view, .repetition:
                nodes.append(nodes[node.operands[0].index])
                continue
            case .leaf where node.operation is Parameter, .generated where node.operands.isEmpty:
                nodes.append(nil)
                continue
            default: break
            }
            let path = Self.path(node), isForward = isForward[value.index]
            let boxes = [isForward ? "forward" : "backward and update"] + path.prefix(depth)
            // The optimizer's operations, many for each weight, belong to no layer.
            let layer =
                path.isEmpty && !isForward ? "outside of layers" : path.dropFirst(depth).first ?? ""
            let key = (boxes + [layer]).joined(separator: "\n")
            let number = layer.isEmpty || node.operation is Input ? nil : layers[key]
            if number == nil {
                if !layer.isEmpty { layers[key] = drawn.count }
                drawn.append(Drawn(boxes: boxes, layer: layer.isEmpty ? nil : layer, type: node.type))
            }
            let place = number ?? drawn.count - 1
            nodes.append(place)
            drawn[place].operations.append(Self.name(node.operation))
            drawn[place].parameters += node.operands.compactMap { parameter($0) }
            drawn[place].type = node.type
        }
    }

    private static func name(_ operation: any Operation) -> String {
        (operation as? Input).map { "input \($0.name)" } ?? operation.name
    }

    /// The name of the parameter that a value shows.
    private func parameter(_ value: Value) -> String? {
        var value = value
        while true {
            let node = graph[value]
            if let parameter = node.operation as? Parameter { return parameter.name }
            guard node.operation.kind.isView || node.operation.kind == .repetition else { return nil }
            value = node.operands[0]
        }
    }

    /// What outputs are made of.
    private static func forward(_ graph: Graph) -> [Bool] {
        var isForward = [Bool](repeating: false, count: graph.nodes.count)
        for result in graph.results { if case .output = result.kind { isForward[result.value.index] = true } }
        for index in graph.nodes.indices.reversed() where isForward[index] {
            for operand in graph.nodes[index].operands { isForward[operand.index] = true }
        }
        return isForward
    }

    // MARK: The text

    /// The drawing in Graphviz's language.
    public var dot: String {
        var lines = [
            "// Layers are drawn to a depth of \(depth).", "digraph \(Self.quoted(graph.name)) {",
            "  node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\", fontsize=10]",
            "  graph [fontname=\"sans-serif\", fontsize=11, style=filled, fillcolor=\"#0000000a\", color=\"#00000040\"]",
        ]
        var boxes = 0
        lines += box(Array(drawn.indices), level: 0, &boxes)
        lines += edges().map { "  \($0)" }
        for (number, result) in graph.results.enumerated() {
            guard case .output(let name) = result.kind, let source = nodes[result.value.index] else { continue }
            lines.append("  r\(number) [label=\(Self.quoted(name)), shape=ellipse]")
            lines.append("  n\(source) -> r\(number)")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// Nodes that share the first boxes, and the boxes inside.
    private func box(_ members: [Int], level: Int, _ count: inout Int) -> [String] {
        let indentation = String(repeating: "  ", count: level + 1)
        var lines: [String] = [], inside: [(name: String, members: [Int])] = []
        for member in members {
            guard drawn[member].boxes.count > level else {
                lines.append("\(indentation)n\(member) [label=\(Self.quoted(label(drawn[member])))]")
                continue
            }
            let name = drawn[member].boxes[level]
            if let place = inside.firstIndex(where: { $0.name == name }) {
                inside[place].members.append(member)
            } else {
                inside.append((name, [member]))
            }
        }
        for (name, members) in inside {
            lines.append("\(indentation)subgraph cluster_\(count) {")
            count += 1
            lines.append("\(indentation)  label=\(Self.quoted(name))")
            lines += box(members, level: level + 1, &count)
            lines.append("\(indentation)}")
        }
        return lines
    }

    private func label(_ node: Drawn) -> String {
        var lines: [String] = []
        if let layer = node.layer { lines.append(layer) }
        let operations =
            node.operations.count > 4 ? "\(node.operations.count) operations" : node.operations.joined(separator: ", ")
        lines.append(operations)
        let names = Set(node.parameters.map { $0.split(separator: ".").last.map(String.init) ?? $0 }).sorted()
        if !names.isEmpty {
            lines.append(names.count > 3 ? "\(names.count) parameters" : names.joined(separator: ", "))
        }
        lines.append("\(node.type)")
        return lines.joined(separator: "\n")
    }

    private func edges() -> [String] {
        var seen: Set<[Int]> = [], edges: [String] = []
        for value in graph.values {
            guard let target = nodes[value.index] else { continue }
            for operand in graph[value].operands {
                guard let source = nodes[operand.index], source != target, seen.insert([source, target]).inserted else {
                    continue
                }
                edges.append("n\(source) -> n\(target)")
            }
        }
        return edges
    }

    private static func quoted(_ text: String) -> String {
        "\""
            + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            .replacing("\r", with: " ") + "\""
    }
}
