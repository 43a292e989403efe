import Apus
import Foundation
import MSMAE
import Testing

/// Linear probing: a head on a frozen encoder.
@Suite struct LinearProbingTests {
    private static let optimizer = Optimizer.lars(learningRate: 0.1)

    /// The head by itself, in f64: batch normalisation, a linear layer, cross entropy and LARS (MAE's util/lars.py).
    private struct Reference {
        let dim: Int, classes: Int
        var weight: [[Double]], bias: [Double]
        var weightVelocity: [[Double]], biasVelocity: [Double]
        var mean: [Double], variance: [Double]

        init(weight: [Double], bias: [Double], dim: Int) {
            (self.dim, classes) = (dim, bias.count)
            self.weight = (0..<classes).map { Array(weight[$0 * dim..<($0 + 1) * dim]) }
            self.bias = bias
            weightVelocity = self.weight.map { $0.map { _ in 0 } }
            biasVelocity = bias.map { _ in 0 }
            mean = Array(repeating: 0, count: dim)
            variance = Array(repeating: 1, count: dim)
        }

        func logits(_ x: [[Double]], _ mean: [Double], _ variance: [Double]) -> [[Double]] {
            x.map { row in
                let normal = (0..<dim).map { (row[$0] - mean[$0]) / (variance[$0] + 1e-6).squareRoot() }
                return (0..<classes).map { k in bias[k] + zip(weight[k], normal).map(*).reduce(0, +) }
            }
        }

        /// One step; the loss before it.
        mutating func train(_ x: [[Double]], _ labels: [Int], rate: Double) -> Double {
            let n = Double(x.count)
            let batchMean = (0..<dim).map { i in x.map { $0[i] }.reduce(0, +) / n }
            let batchVariance = (0..<dim).map { i in
                x.map { ($0[i] - batchMean[i]) * ($0[i] - batchMean[i]) }.reduce(0, +) / n
            }
            let normal = x.map { row in
                (0..<dim).map { (row[$0] - batchMean[$0]) / (batchVariance[$0] + 1e-6).squareRoot() }
            }
            let shares = logits(x, batchMean, batchVariance).map { row in
                let total = row.map(exp).reduce(0, +)
                return row.map { exp($0) / total }
            }
            let loss = -zip(shares, labels).map { log($0[$1]) }.reduce(0, +) / n
            let errors = zip(shares, labels).map { row, label in
                row.indices.map { (row[$0] - ($0 == label ? 1 : 0)) / n }
            }
            let gradient = (0..<classes).map { k in
                (0..<dim).map { i in zip(errors, normal).map { $0[k] * $1[i] }.reduce(0, +) }
            }
            func length(_ matrix: [[Double]]) -> Double { matrix.joined().map { $0 * $0 }.reduce(0, +).squareRoot() }
            let scale = 0.001 * length(weight) / length(gradient)
            for k in 0..<classes {
                biasVelocity[k] = 0.9 * biasVelocity[k] + errors.map { $0[k] }.reduce(0, +)
                bias[k] -= rate * biasVelocity[k]
                for i in 0..<dim {
                    weightVelocity[k][i] = 0.9 * weightVelocity[k][i] + gradient[k][i] * scale
                    weight[k][i] -= rate * weightVelocity[k][i]
                }
            }
            for i in 0..<dim {
                mean[i] = 0.9 * mean[i] + 0.1 * batchMean[i]
                variance[i] = 0.9 * variance[i] + 0.1 * batchVariance[i] * n / (n - 1)
            }
            return loss
        }
    }

    @Test(arguments: Pooling.allCases)
    func threeStepsAndAnEvaluation(pooling: Pooling) throws {
        let fixture = try Fixture("finetune-global-pool"), model = try MaskedAutoencoder(fixture.configuration)
        let (batch, dim, classes) = (fixture.batch, fixture.configuration.dim, fixture.configuration.classes)
        let compiler = try Compiler(threads: 2)
        let program = try compiler.compile(
            model.linearProbing(batch: batch, pooling: pooling, optimizer: Self.optimizer))
        let state = try program.makeState(seed: 3)
        for (name, value) in try fixture.tensors("param.") where state.type(of: name) == value.type {
            try state.write(name, TensorData(value))
        }
        let before = try Dictionary(uniqueKeysWithValues: state.names.map { ($0, try state.read($0)) })

        let evaluation = try compiler.compile(model.probedClassification(batch: batch, pooling: pooling))
        let inputs = try fixture.inputs("images", "labels").mapValues { TensorData($0) },
            images = inputs.filter { $0.key == "images" }
        let features = try #require(try evaluation.run(state, images)["features"]).floats.map(Double.init)
        let rows = (0..<batch).map { Array(features[$0 * dim..<($0 + 1) * dim]) }
        let labels = try fixture.tensor("input.labels", .i32).values.map { Int($0) }

        var reference = Reference(
            weight: try state.read("head.1.weight").floats.map(Double.init),
            bias: try state.read("head.1.bias").floats.map(Double.init), dim: dim)
        for _ in 0..<3 {
            let loss = reference.train(rows, labels, rate: 0.1)
            #expect(abs(Double(try program.run(state, inputs).loss) - loss) < 1e-5)
        }
        func expect(_ name: String, _ expected: [Double]) throws {
            #expect(relativeError(try state.read(name).floats.map(Double.init), expected) < 1e-5, "\(name)")
        }
        try expect("head.1.weight", Array(reference.weight.joined()))
        try expect("head.1.bias", reference.bias)
        try expect("head.0.running_mean", reference.mean)
        try expect("head.0.running_var", reference.variance)
        let logits = try #require(try evaluation.run(state, images)["logits"])
        #expect(logits.type.shape == [batch, classes])
        let expected = reference.logits(rows, reference.mean, reference.variance)
        #expect(relativeError(logits.floats.map(Double.init), Array(expected.joined())) < 1e-4)
        for (name, value) in before where !name.hasPrefix("head.") && !name.hasPrefix("optimizer.") {
            #expect(try state.read(name) == value, "\(name) is frozen")
        }
    }

    @Test func meanOfTheTokensIsThatOfFineTuning() throws {
        let fixture = try Fixture("finetune-global-pool"), model = try MaskedAutoencoder(fixture.configuration)
        var weights = try fixture.tensors("param.")
        let probed = try model.probedClassification(batch: fixture.batch, pooling: .mean).trace()
        for (_, parameter) in probed.parameters where weights[parameter.name] == nil {
            weights[parameter.name] = HostTensor(parameter.type)
        }
        let features = try [probed, model.classification(batch: fixture.batch).trace()].map {
            try Interpreter().run($0, inputs: fixture.inputs("images"), parameters: weights).outputs["features"]
        }
        #expect(features[0] != nil && features[0] == features[1])
    }

    @Test func nothingIsComputedOrKeptForTheEncodersGradients() throws {
        let model = try MaskedAutoencoder(.demo), step = model.linearProbing(batch: 8, optimizer: Self.optimizer)
        let traced = try step.trace(), whole = try traced.wholeGraph()
        #expect(
            traced.weights.compactMap { (traced.graph[$0].operation as? Parameter)?.name } == [
                "head.1.weight", "head.1.bias",
            ])
        func matmuls(_ graph: Graph) throws -> Int {
            try Pipeline.standard.run(graph).nodes.count { $0.operation is Dot }
        }
        // The gradient of the head's matrix.
        #expect(try matmuls(whole) == matmuls(traced.graph) + 1)
        let compiler = try Compiler(threads: 1)
        let probing = try compiler.compile(step).program,
            evaluation = try compiler.compile(model.probedClassification(batch: 8)).program
        #expect(probing.arenaBytes < evaluation.arenaBytes + 64 * 1024)
    }
}
