import ApusIR
import ApusLayers
import Testing

/// The graph of a layer that is applied to one input `x`, with the output `y`.
func graph(_ layer: some Layer, _ shape: [Int], _ element: ElementType = .float32) throws -> Graph {
    try InferenceStep("test") { Output("y", layer(Input("x", shape, element))) }.trace()
}

/// Names of the weights in order of declaration.
func weightNames(_ layer: some Layer, _ shape: [Int] = [2, 4]) throws -> [String] {
    try graph(layer, shape).parameters.map(\.operation.name)
}

/// The type of a layer's result.
func resultType(_ layer: some Layer, _ shape: [Int], _ element: ElementType = .float32) throws -> String {
    let graph = try graph(layer, shape, element)
    return graph[graph.results[0].value].type.description
}

/// The messages of the mistakes that a declaration is refused with.
func mistakes(_ location: Testing.SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> [String] {
    do {
        try body()
        Issue.record("the declaration was accepted", sourceLocation: location)
        return []
    } catch {
        return "\(error)".split(separator: "\n").map(String.init)
    }
}
