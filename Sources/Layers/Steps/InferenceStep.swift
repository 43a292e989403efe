import ApusIR

/// A computation without training: inputs, model and outputs.
///
/// ```swift
/// let step = InferenceStep {
///     let images = Input("images", [1, 784])
///     Output("probabilities", softmax(classifier(images)))
/// }
/// ```
public struct InferenceStep {
    /// What the graph and the program are called.
    public let name: String
    private let location: SourceLocation
    private let contents: () -> [StepResult]

    /// A computation whose closure declares inputs and layers and lists outputs.
    public init(
        _ name: String = "inference_step", file: String = #fileID, line: Int = #line,
        @StepBuilder _ contents: @escaping () -> [StepResult]
    ) {
        self.name = name
        location = SourceLocation(file: file, line: line)
        self.contents = contents
    }

    /// The graph, whose outputs are those of the declaration; throws all mistakes in it.
    public func trace() throws(GraphErrors) -> Graph {
        let trace = Trace(name: name, location: location)
        if trace.record(contents).isEmpty {
            trace.builder.report(
                GraphError(.structure, "an inference step has at least one Output", location: location))
        }
        return try trace.builder.finish()
    }
}
