import ApusIR
import ApusLayers
import ApusTransforms

/// Declares the weights of a model, and keeps them in order.
private final class Weights {
    let builder: GraphBuilder
    private(set) var list: [(name: String, tensor: Tensor)] = []

    init(_ builder: GraphBuilder) { self.builder = builder }

    func callAsFunction(_ name: String, _ shape: Int...) -> Tensor {
        let tensor = builder.parameter(Parameter(name, TensorType(.f32, shape), .normal(deviation: 0.2)))
        list.append((name, tensor))
        return tensor
    }

    /// The graph with the gradients of a loss and the optimizer's updates.
    func trained(_ loss: Tensor, by optimizer: Optimizer) throws -> Graph {
        let differentiated = try differentiate(
            try builder.finish(), loss: loss.value, withRespectTo: list.map(\.tensor.value))
        let extended = GraphBuilder(extending: differentiated.graph)
        optimizer.appendUpdates(
            to: extended,
            zip(list, differentiated.gradients).compactMap { weight, gradient in
                gradient.map {
                    Optimizer.Weight(
                        extended.tensor(weight.tensor.value), name: weight.name, gradient: extended.tensor($0))
                }
            })
        return try extended.finish()
    }
}

/// A training step of two layers with GELU and layer normalisation between them.
func perceptronStep(_ optimizer: Optimizer) throws -> Graph {
    let builder = GraphBuilder(name: "perceptron"), weight = Weights(builder)
    let x = builder.input(Input("x", TensorType(.f32, [6, 17]))),
        target = builder.input(Input("target", TensorType(.f32, [6, 5])))
    let hidden = gelu(linear(x, weight: weight("first.weight", 33, 17), bias: weight("first.bias", 33)))
    let normal = layerNormalization(
        hidden, weight: weight("norm.weight", 33), bias: weight("norm.bias", 33), epsilon: 0.01)
    let loss = meanSquaredError(
        linear(normal, weight: weight("head.weight", 5, 33), bias: weight("head.bias", 5)), target)
    builder.output("loss", loss)
    return try weight.trained(loss, by: optimizer)
}

/// A training step of some blocks of a transformer over some tokens, of which a random half is kept.
func transformerStep(
    batch: Int = 3, tokens: Int = 17, heads: Int = 2, width: Int = 12, blocks: Int = 1, isFused: Bool = false
) throws -> Graph {
    let dim = heads * width
    let builder = GraphBuilder(name: "transformer"), weight = Weights(builder)
    let x = builder.input(Input("x", TensorType(.f32, [batch, tokens, dim]))),
        key = builder.input(Input("key", TensorType(.i32, [2])))
    let kept = argsort(randomUniform([batch, tokens], key: key, stream: 1)).slice(0..<(tokens + 1) / 2, axis: 1)
    let count = kept.shape[1]
    var result = gather(x + weight("positions", tokens, dim), kept, batch: 1)
    for block in 0..<blocks {
        let name = block == 0 ? "" : "\(block)."
        let first = layerNormalization(
            result, weight: weight(name + "norm1.weight", dim), bias: weight(name + "norm1.bias", dim), epsilon: 0.01)
        let mixed = attention(
            first, heads: heads, weight: weight(name + "qkv.weight", 3 * dim, dim),
            bias: weight(name + "qkv.bias", 3 * dim), isFused: isFused)
        let attended =
            result
            + linear(mixed, weight: weight(name + "proj.weight", dim, dim), bias: weight(name + "proj.bias", dim))
        let second = layerNormalization(
            attended, weight: weight(name + "norm2.weight", dim), bias: weight(name + "norm2.bias", dim), epsilon: 0.01)
        let hidden = gelu(
            linear(second, weight: weight(name + "fc1.weight", 4 * dim, dim), bias: weight(name + "fc1.bias", 4 * dim)))
        result =
            attended
            + linear(hidden, weight: weight(name + "fc2.weight", dim, 4 * dim), bias: weight(name + "fc2.bias", dim))
    }
    let loss = mean(result * result * gather(x, kept, batch: 1)) * (1 / Double(count))
    builder.output("loss", loss)
    builder.output("result", result)
    return try weight.trained(loss, by: .adamW(learningRate: 0.01))
}

/// Attention of tokens among themselves, spelt out or as one operation: [batch, tokens, dim] -> [batch, tokens, dim].
func attention(_ x: Tensor, heads: Int, weight: Tensor, bias: Tensor?, isFused: Bool = false) -> Tensor {
    let (batch, tokens, dim) = (x.shape[0], x.shape[1], x.shape[2]), width = dim / heads
    let qkv = linear(x, weight: weight, bias: bias).reshape([batch, tokens, 3, heads, width]).transpose([2, 0, 3, 1, 4])
    let part = (0..<3).map { qkv.slice($0..<$0 + 1, axis: 0).reshape([batch, heads, tokens, width]) }
    let scale = 1 / Double(width).squareRoot()
    func mixed() -> Tensor {
        if isFused { return attention(part[0], part[1], part[2], scale: scale) }
        return matmul(softmax(matmul(part[0], part[1].transpose([0, 1, 3, 2])) * scale), part[2])
    }
    return mixed().transpose([0, 2, 1, 3]).reshape([batch, tokens, dim])
}
