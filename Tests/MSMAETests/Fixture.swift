import Apus
import Foundation
import MSMAE
import Testing

/// A file of recorded results of the public implementation, with the configuration that it was recorded for.
struct Fixture {
    let file: SafetensorsFile
    let metadata: [String: Any]

    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try SafetensorsFile(contentsOf: folder.appendingPathComponent("Fixtures/\(name).safetensors").path)
        let text = try #require(file.metadata["fixture"])
        metadata = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    var batch: Int { metadata["batch"] as? Int ?? 0 }
    var masking: Masking { Masking(rawValue: metadata["masking"] as? String ?? "") ?? .random }
    var optimizerOptions: [String: Any] { metadata["optimizer"] as? [String: Any] ?? [:] }

    var configuration: Configuration {
        let model = metadata["model"] as? [String: Any] ?? [:]
        func integer(_ name: String) -> Int { model[name] as? Int ?? 4 }
        func number(_ name: String) -> Double { metadata[name] as? Double ?? 0 }
        var configuration = Configuration()
        configuration.image = integer("img_size")
        configuration.patch = integer("patch_size")
        (configuration.dim, configuration.depth, configuration.heads) = (
            integer("embed_dim"), integer("depth"), integer("num_heads")
        )
        configuration.decoderDim = integer("decoder_embed_dim")
        configuration.decoderDepth = integer("decoder_depth")
        configuration.decoderHeads = integer("decoder_num_heads")
        configuration.classes = metadata["num_classes"] as? Int ?? 0
        if masking == .attention {
            (configuration.maskRatio, configuration.throwRatio) = (number("mask_ratio"), number("throw_ratio"))
        } else {
            configuration.randomMaskRatio = number("mask_ratio")
        }
        configuration.variant = .released
        return configuration
    }

    /// A tensor of the file in f64.
    func tensor(_ name: String, _ element: ElementType = .f32) throws -> HostTensor {
        let values = element == .i32 ? try file.integers(name).map(Double.init) : try file.doubles(name)
        return HostTensor(TensorType(element, try file.shape(name)), values)
    }

    func scalar(_ name: String) throws -> Double { try tensor(name).values[0] }

    /// All tensors whose name begins with a prefix, which is dropped from their names.
    func tensors(_ prefix: String) throws -> [String: HostTensor] {
        var tensors: [String: HostTensor] = [:]
        for name in file.names where name.hasPrefix(prefix) {
            tensors[String(name.dropFirst(prefix.count))] = try tensor(name)
        }
        return tensors
    }

    /// The recorded batch and permutation.
    func inputs(_ names: String...) throws -> [String: HostTensor] {
        try Dictionary(
            uniqueKeysWithValues: names.map { name in
                (name, try tensor("input.\(name)", name == "images" ? .f32 : .i32))
            })
    }
}

/// ‖a − b‖ / ‖b‖ over the elements that `isCompared` picks.
func relativeError(_ a: [Double], _ b: [Double], where isCompared: (Int) -> Bool = { _ in true }) -> Double {
    guard a.count == b.count else { return .infinity }
    var difference = 0.0, norm = 0.0
    for index in a.indices where isCompared(index) {
        difference += (a[index] - b[index]) * (a[index] - b[index])
        norm += b[index] * b[index]
    }
    return difference == 0 ? 0 : (difference / norm).squareRoot()
}

/// The graph of a whole training step: forward pass, gradients as outputs `grad.` and the weight's name, updates.
func wholeGraph(of step: TrainingStep, scale: (String) -> Double = { _ in 1 }) throws -> Graph {
    let traced = try step.trace()
    let differentiated = try differentiate(traced.graph, loss: traced.loss, withRespectTo: traced.weights)
    let builder = GraphBuilder(extending: differentiated.graph)
    var weights: [Optimizer.Weight] = []
    for (weight, gradient) in zip(traced.weights, differentiated.gradients) {
        let parameter = try #require(traced.graph[weight].operation as? Parameter)
        let gradient = builder.tensor(try #require(gradient, "the loss does not depend on \(parameter.name)"))
        builder.output("grad.\(parameter.name)", gradient)
        weights.append(
            Optimizer.Weight(
                builder.tensor(weight), name: parameter.name, gradient: gradient,
                learningRateScale: scale(parameter.name)))
    }
    traced.optimizer.appendUpdates(to: builder, weights)
    return try builder.finish()
}

/// Runs a whole training step some times on the same inputs; the outcome of each step, and the state after it.
func train(
    _ graph: Graph, _ optimizer: Optimizer, steps: Int, inputs: [String: HostTensor], weights: [String: HostTensor]
) throws -> [(outputs: [String: HostTensor], state: [String: HostTensor])] {
    var state = weights
    for (_, parameter) in graph.parameters where state[parameter.name] == nil {
        state[parameter.name] = HostTensor(parameter.type)
    }
    return try (1...steps).map { step in
        let scalars = optimizer.inputs(step: step).mapValues { HostTensor(TensorType(.f32, []), [$0]) }
        let outcome = try Interpreter().run(
            graph, inputs: inputs.merging(scalars) { first, _ in first }, parameters: state)
        state.merge(outcome.updates) { $1 }
        return (outcome.outputs, state)
    }
}
