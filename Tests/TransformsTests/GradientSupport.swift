import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// A tensor of numbers for the function under test.
struct Operand {
    var shape: [Int]
    var values: [Double]?
    var range: ClosedRange<Double>

    /// Random numbers from a range.
    init(_ shape: Int..., in range: ClosedRange<Double> = -2...2) {
        self.shape = shape
        self.range = range
    }

    /// Given numbers.
    init(_ shape: [Int], _ values: [Double]) {
        self.shape = shape
        self.values = values
        range = 0...0
    }
}

/// The gradients of Σ y · w with respect to each operand, where w are given weights (random ones if nil).
struct GradientProbe {
    var forward: Graph
    var bindings: [String: HostTensor] = [:]
    var gradients: [HostTensor?] = []

    init(_ operands: [Operand], weights: [Double]? = nil, seed: UInt64, _ function: ([Tensor]) -> Tensor) throws {
        var random = SeededGenerator(seed: seed)
        let builder = GraphBuilder(name: "probe")
        let inputs = operands.enumerated().map { builder.input(Input("x\($0)", TensorType(.f32, $1.shape))) }
        for (index, operand) in operands.enumerated() {
            let type = inputs[index].type
            bindings["x\(index)"] = HostTensor(
                type, operand.values ?? (0..<type.count).map { _ in random.number(operand.range) })
        }
        let result = function(inputs)
        let weight = builder.input(Input("weight", result.type))
        bindings["weight"] = HostTensor(
            result.type, weights ?? (0..<result.type.count).map { _ in random.number(0.5...1.5) })
        let loss = sum(result * weight, axes: Array(result.shape.indices))
        builder.output("loss", loss)
        forward = try builder.finish()
        let differentiated = try differentiate(forward, loss: loss.value, withRespectTo: inputs.map(\.value))
        var graph = differentiated.graph
        for (index, gradient) in differentiated.gradients.enumerated() {
            if let gradient { graph.results.append(GraphResult(.output(name: "gradient\(index)"), gradient)) }
        }
        try graph.verify()
        let outcome = try Interpreter().run(graph, inputs: bindings)
        gradients = operands.indices.map { outcome.outputs["gradient\($0)"] }
    }

    private func loss(_ bindings: [String: HostTensor]) throws -> Double {
        try Interpreter().run(forward, inputs: bindings).outputs["loss"]?.values[0] ?? .nan
    }

    /// (f(x + h) − f(x − h)) / 2h at one place of one operand.
    func centralDifference(operand: Int, place: Int) throws -> Double {
        let h = 1e-5, name = "x\(operand)"
        var above = bindings, below = bindings
        above[name]?.values[place] += h
        below[name]?.values[place] -= h
        return try (loss(above) - loss(below)) / (2 * h)
    }
}

/// Checks the gradients of a function against central differences; of large operands at 24 places.
func expectGradients(
    of operands: Operand..., seed: UInt64 = 1, within tolerance: Double = 1e-6,
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ function: ([Tensor]) -> Tensor
) throws {
    let probe = try GradientProbe(operands, seed: seed, function)
    var random = SeededGenerator(seed: seed)
    for index in operands.indices {
        let gradient = try #require(
            probe.gradients[index], "operand \(index) has no gradient", sourceLocation: sourceLocation)
        #expect(gradient.shape == operands[index].shape, sourceLocation: sourceLocation)
        let places = random.shuffled(Array(gradient.values.indices)).prefix(24)
        for place in places {
            let expected = try probe.centralDifference(operand: index, place: place), found = gradient.values[place]
            #expect(
                Swift.abs(found - expected) <= tolerance * (1 + Swift.abs(expected)),
                "operand \(index), element \(place): \(found), by differences \(expected); seed \(seed)",
                sourceLocation: sourceLocation)
        }
    }
}

/// Checks the gradient of Σ f(x) (weights all 1) where differences cannot tell it: at ties and kinks.
func expectGradient(
    at operands: Operand..., is expected: [[Double]], sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ function: ([Tensor]) -> Tensor
) throws {
    let count = try GradientProbe(operands, seed: 1, function).bindings["weight"]?.values.count ?? 0
    let probe = try GradientProbe(operands, weights: [Double](repeating: 1, count: count), seed: 1, function)
    #expect(probe.gradients.map { $0?.values } == expected, sourceLocation: sourceLocation)
}
