import ApusIR

/// One step of training: inputs, model and loss, and the optimizer that improves the weights.
///
/// ```swift
/// let step = TrainingStep(optimizer: .adamW(learningRate: 1e-3)) {
///     let images = Input("images", [64, 784])
///     let labels = Input("labels", [64], .int32)
///     let logits = classifier(images)
///     Loss(crossEntropy(logits, labels))
///     Metric("accuracy", accuracy(logits, labels))
/// }
/// ```
///
/// The closure is run when the step is traced, each time anew.
public struct TrainingStep {
    /// What the graph and the program are called.
    public let name: String
    /// How weights follow their gradients.
    public let optimizer: Optimizer
    private let location: SourceLocation
    private let contents: () -> [StepResult]
    private var frozenPatterns: [String] = []

    /// A step whose closure declares inputs and layers and lists one loss, metrics and outputs.
    public init(
        _ name: String = "training_step", optimizer: Optimizer, file: String = #fileID, line: Int = #line,
        @StepBuilder _ contents: @escaping () -> [StepResult]
    ) {
        self.name = name
        self.optimizer = optimizer
        location = SourceLocation(file: file, line: line)
        self.contents = contents
    }

    /// The step without training of the weights whose names match one of the patterns, such as `encoder.*`; see
    /// ``ParameterGroup/pattern``.
    public func freezing(_ patterns: String...) -> TrainingStep {
        var step = self
        step.frozenPatterns += patterns
        return step
    }

    /// The graph of the forward pass; throws all mistakes in the declaration, a pattern that no weight matches among
    /// them.
    ///
    /// `ranks` graphs run side by side, each on a batch of its own that is part of a larger one: layers take statistics
    /// over the batch from all of them.
    public func trace(ranks: Int = 1) throws(GraphErrors) -> TracedStep {
        let trace = Trace(
            name: name, training: true, ranks: ranks, frozen: frozenPatterns.map { ParameterGroup($0) },
            location: location)
        let builder = trace.builder, results = trace.record(contents)
        for group in trace.idleFrozen {
            builder.report(
                GraphError(.name, "no weight matches '\(group.pattern)', which is to be frozen", location: location))
        }
        let losses = results.filter { $0.kind == .loss }
        if losses.count != 1 {
            builder.report(
                GraphError(.structure, "a training step has one Loss, this one has \(losses.count)", location: location)
            )
        }
        for problem in optimizer.problems { builder.report(GraphError(.attribute, problem, location: location)) }
        let graph = try builder.finish()
        let loss = losses[0].tensor
        let weights = graph.parameters.filter(\.operation.trainable).map(\.value)
        guard !weights.isEmpty else {
            throw GraphErrors([GraphError(.structure, "the training step has no trainable weights", location: location)]
            )
        }
        guard loss.element.isFloatingPoint else {
            throw GraphErrors([
                GraphError(.elementType, "the loss is \(loss.type), which is not of floating point", location: location)
            ])
        }
        let metrics = results.filter { $0.kind == .metric }.map(\.name)
        return TracedStep(
            graph: graph, loss: loss.value, weights: weights, metrics: metrics, optimizer: optimizer, ranks: ranks)
    }
}

/// A traced training step: the forward pass, which is still to be differentiated and to get its optimizer.
public struct TracedStep: Sendable {
    /// The forward pass. Its outputs are `loss`, the metrics and the other outputs of the declaration.
    public var graph: Graph
    /// The scalar that training makes smaller.
    public var loss: Value
    /// The trainable parameters in order of declaration.
    public var weights: [Value]
    /// Names of weights that the loss only seemed to depend on, as rewriting the forward pass has shown: their gradient
    /// is zero.
    public var idleWeights: Set<String> = []
    /// Names of the metrics among the outputs.
    public var metrics: [String]
    /// How weights follow their gradients.
    public var optimizer: Optimizer
    /// How many ranks run the graph side by side; 1 is one alone.
    public var ranks = 1
}
