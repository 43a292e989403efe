import ApusIR

extension OperatorTable {
    static let normalizationOperators: [String: Operator] = [
        "BatchNormalization": one(byStatistics), "LayerNormalization": one(ofLayer),
        "InstanceNormalization": one(ofInstance),
        "GroupNormalization": one(ofGroups), "RMSNormalization": one(byRootMeanSquare),
        "Softmax": one { softmax(try $0.tensor(0), axis: try $0.integer("axis", default: -1)) },
        "LogSoftmax": one(logarithm),
        "LpNormalization": one { node in
            let x = try node.tensor(0), p = try node.integer("p", default: 2)
            let size = norm(
                x, Double(p), axes: [try node.axis(node.integer("axis", default: -1), rank: x.rank)], keepAxes: true)
            return x / size
        },
    ]

    @Sendable private static func logarithm(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: -1), rank: x.rank)
        return logSoftmax(x.movingAxis(axis, to: -1)).movingAxis(-1, to: axis)
    }

    @Sendable private static func byStatistics(_ node: ImportedNode) throws -> Tensor {
        try node.expect("training_mode", is: 0)
        let x = try node.tensor(0), numbers = try (1..<5).map { try node.tensor($0) }
        guard x.rank > 1, numbers.allSatisfy({ $0.shape == [x.shape[1]] }) else {
            throw node.error(.attribute, "its statistics are \(numbers.map(\.type)) for \(x.type)")
        }
        return batchNormalization(
            x, mean: numbers[2], variance: numbers[3], weight: numbers[0], bias: numbers[1],
            epsilon: try node.number("epsilon", default: 1e-5))
    }

    /// The axes from one on, which are normalised together, and weights that are broadcast to them.
    private static func trailing(_ node: ImportedNode, _ x: Tensor) throws -> (axis: Int, weights: [Tensor?]) {
        let axis = try node.axis(node.integer("axis", default: -1), rank: x.rank)
        let shape = Array(x.shape[axis...])
        let weights = try [1, 2].map { index -> Tensor? in
            guard let weight = try node.optionalTensor(index) else { return nil }
            guard KnownOperators.broadcastShape(weight.shape, shape) == shape else {
                throw node.error(.attribute, "its weights are \(weight.type) for \(x.type) from axis \(axis) on")
            }
            return weight.broadcast(to: shape)
        }
        return (axis, weights)
    }

    @Sendable private static func ofLayer(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), (axis, weights) = try trailing(node, x)
        let width = x.shape[axis...].reduce(1, *), one = x.constant(1, shape: [width]),
            zero = x.constant(0, shape: [width])
        let rows = x.reshape(x.shape[..<axis] + [width])
        return layerNormalization(
            rows, weight: weights[0]?.reshape([width]) ?? one, bias: weights[1]?.reshape([width]) ?? zero,
            epsilon: try node.number("epsilon", default: 1e-5)
        ).reshape(x.shape)
    }

    @Sendable private static func byRootMeanSquare(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), (axis, weights) = try trailing(node, x)
        let square = mean(x * x, axes: Array(axis..<x.rank), keepAxes: true)
        let scaled = x * (1 / sqrt(square + (try node.number("epsilon", default: 1e-5))))
        return weights[0].map { scaled * $0 } ?? scaled
    }

    /// Numbers of channels, or of groups of them, for x [n, c, ...].
    private static func scaled(_ x: Tensor, _ node: ImportedNode, _ count: Int) throws -> Tensor {
        let weights = try (1..<3).map { try node.tensor($0) }, channels = x.shape[1]
        guard weights.allSatisfy({ $0.shape == [count] }), channels % count == 0 else {
            throw node.error(.attribute, "its weights are \(weights.map(\.type)) for \(channels) channels")
        }
        let ofChannels = weights.map { weight in
            let all = count == channels ? weight : weight.reshape([count, 1]).broadcast(to: [count, channels / count])
            return all.reshape([channels] + x.shape.dropFirst(2).map { _ in 1 })
        }
        return x * ofChannels[0] + ofChannels[1]
    }

    private static func normalized(_ x: Tensor, groups: Int, _ node: ImportedNode) throws -> Tensor {
        let rows = x.reshape([x.shape[0], groups, -1])
        let centred = rows - mean(rows, axes: [-1], keepAxes: true)
        let variance = mean(centred * centred, axes: [-1], keepAxes: true)
        return (centred * (1 / sqrt(variance + (try node.number("epsilon", default: 1e-5))))).reshape(x.shape)
    }

    @Sendable private static func ofInstance(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0)
        try node.expectImages(x)
        return try scaled(normalized(x, groups: x.shape[1], node), node, x.shape[1])
    }

    /// Until version 21 of the operators each group has one weight, since then each channel.
    @Sendable private static func ofGroups(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), groups = try node.integer("num_groups", default: 0)
        guard x.rank > 1, groups > 0, x.shape[1] % groups == 0 else {
            throw node.error(.attribute, "has \(groups) groups of the channels of \(x.type)")
        }
        return try scaled(normalized(x, groups: groups, node), node, node.opset < 21 ? groups : x.shape[1])
    }
}
