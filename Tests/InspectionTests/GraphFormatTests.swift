import Apus
import ApusIR
import ApusInspection
import Foundation
import Testing

/// Graphs as JSON and as drawings.
struct GraphFormatTests {
    private func step() throws -> Graph {
        let step = TrainingStep("say \"hi\"\n", optimizer: .sgd(learningRate: 0.1)) {
            let x = Input("x", [4, 6])
            let hidden = relu(Linear(6, 8).named("body.first")(x))
            let y = Linear(8, 2).named("body.second")(hidden)
            Loss(mean(y * y))
        }
        return try step.trace().wholeGraph()
    }

    private func object(_ graph: Graph) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(graph.json.utf8)) as? [String: Any])
    }

    @Test func json() throws {
        let graph = try step(), json = try object(graph)
        #expect(json["name"] as? String == graph.name)
        let nodes = try #require(json["nodes"] as? [[String: Any]])
        #expect(nodes.count == graph.nodes.count)
        for (number, (node, known)) in zip(nodes, graph.nodes).enumerated() {
            #expect(node["id"] as? Int == number)
            #expect(node["operation"] as? String == known.operation.name)
            #expect(node["operands"] as? [Int] == known.operands.map(\.index))
            let type = try #require(node["type"] as? [String: Any])
            #expect(type["element"] as? String == "\(known.type.element)")
            #expect(type["shape"] as? [Int] == known.type.shape)
            let location = node["location"] as? [String: Any]
            #expect(location?["path"] as? String == known.location?.path)
            #expect(location?["line"] as? Int == known.location?.line)
            let attributes = try #require(node["attributes"] as? [String: Any])
            #expect(Set(attributes.keys) == Set(known.operation.attributes.map(\.name)))
        }
        let results = try #require(json["results"] as? [[String: Any]])
        #expect(results.map { $0["value"] as? Int } == graph.results.map(\.value.index))
        // Weights of two layers are updated, and the loss is an output.
        #expect(results.count { $0["kind"] as? String == "update" } == 4)
    }

    @Test func numbersThatJSONDoesNotKnow() throws {
        let builder = GraphBuilder(name: "numbers")
        builder.output("y", builder.add(Constant(TensorType(.f32, [3]), values: [.infinity, -.infinity, .nan]), []))
        let nodes = try #require(try object(builder.finish())["nodes"] as? [[String: Any]])
        let attributes = try #require(nodes[0]["attributes"] as? [String: Any])
        #expect(attributes.values.contains { $0 as? [String] == ["inf", "-inf", "nan"] })
    }

    @Test func drawing() throws {
        let graph = try step(), dot = GraphDrawing(graph, depth: 9).dot
        #expect(dot.hasPrefix("// Layers are drawn to a depth of 9.\ndigraph \"say \\\"hi\\\"\\n\" {\n"))
        for box in ["forward", "backward and update", "body", "first", "second"] {
            #expect(dot.contains("label=\"\(box)\"\n"), "\(box)")
        }
        #expect(dot.contains("input x") && !dot.contains("reshape") && !dot.contains("transpose"))
        #expect(dot.count { $0 == "{" } == dot.count { $0 == "}" })

        // Every end of an edge is a node that is declared once.
        func numbers(_ pattern: Regex<(Substring, Substring)>) -> [Substring] {
            dot.matches(of: pattern).map(\.output.1)
        }
        let declared = numbers(/\ (n\d+) \[label/), ends = Set(numbers(/\ (n\d+) ->/) + numbers(/-> (n\d+)/))
        #expect(Set(declared).count == declared.count && ends.isSubset(of: declared))

        // Without depth each side of the graph has one node for the layers.
        let shallow = GraphDrawing(graph, depth: 0).dot
        #expect(shallow.matches(of: /label="body\\n/).count == 2)
        #expect(GraphDrawing(graph).depth == 3)
    }

    /// A large graph is drawn with less depth.
    @Test func depthThatStaysReadable() throws {
        let step = InferenceStep("deep") {
            Output(
                "y",
                Sequential { for number in 0..<200 { Linear(3, 3).named("layers.\(number)") } }(Input("x", [2, 3])))
        }
        let drawing = GraphDrawing(try step.trace())
        #expect(drawing.depth == 0 && drawing.dot.contains("label=\"layers\\n400 operations"))
    }
}
