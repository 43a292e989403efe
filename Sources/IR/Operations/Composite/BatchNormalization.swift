/// (x − mean) / √(variance + ε) · weight + bias, with mean and biased variance of each channel over all other axes
/// (Ioffe and Szegedy 2015).
///
/// Operands: x, and weight [c] and bias [c] or neither; `axis` is the axis of x that has the c channels. Of several
/// `ranks`, each has a part of the batch as x, and all normalise by the statistics of the whole.
public struct BatchNormalization: CompositeOperation, DifferentiableOperation, RankOperation {
    public static let name = "batch_norm"
    public static let kind = OperationKind.composite(.other)
    /// The axis that has the channels.
    public var axis: Int
    /// What is added to variances, 0 at least.
    public var epsilon: Double
    /// How many ranks share the batch; 1 normalises by the statistics of x alone.
    public var ranks: Int

    /// The normalisation of the channels along an axis, by the statistics of so many ranks.
    public init(axis: Int, epsilon: Double, ranks: Int = 1) {
        self.axis = axis
        self.epsilon = epsilon
        self.ranks = ranks
    }

    public var attributes: Attributes {
        [("axis", .integer(axis)), ("epsilon", .number(epsilon))] + (ranks == 1 ? [] : [("ranks", .integer(ranks))])
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        axis = try attributes.integer("axis")
        epsilon = try attributes.number("epsilon")
        ranks = attributes.contains { $0.name == "ranks" } ? try attributes.integer("ranks") : 1
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        guard operands.count == 1 || operands.count == 3 else {
            throw error(.structure, "takes 1 or 3 operands, has \(operands.count)")
        }
        try expectFloat(operands[0])
        try expect(axis: axis, rank: operands[0].rank)
        guard epsilon >= 0, epsilon.isFinite else {
            throw error(.attribute, "epsilon \(epsilon) is not a number from 0 up")
        }
        guard ranks >= 1 else { throw error(.attribute, "ranks is \(ranks), not a number from 1 up") }
        let channels = operands[0].with(shape: [operands[0].shape[axis]])
        for operand in operands.dropFirst() where operand != channels {
            throw error(.shape, "weight and bias are \(operand), not \(channels)")
        }
        return operands[0]
    }

    /// Of a graph that runs alone, which is the only rank.
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        normalized([operands], type: type)[0]
    }

    func evaluate(ranks operands: [[HostTensor]], type: TensorType) -> [HostTensor] {
        ranks > 1 ? normalized(operands, type: type) : operands.map { evaluate($0, type: type) }
    }

    /// The parts of a batch, each with its weight and bias if there are such, by the statistics of all of them.
    private func normalized(_ parts: [[HostTensor]], type: TensorType) -> [HostTensor] {
        let channels = type.shape[axis], stride = rowMajorStrides(type.shape)[axis],
            count = Double(type.count / channels * parts.count)
        func channel(_ place: Int) -> Int { place / stride % channels }
        var means = [Double](repeating: 0, count: channels), variances = means
        for part in parts {
            for (place, value) in part[0].values.enumerated() { means[channel(place)] += value / count }
        }
        for part in parts {
            for (place, value) in part[0].values.enumerated() {
                variances[channel(place)] += (value - means[channel(place)]) * (value - means[channel(place)]) / count
            }
        }
        return parts.map { part in
            HostTensor(
                type,
                part[0].values.enumerated().map { place, value in
                    let c = channel(place), normalized = (value - means[c]) / (variances[c] + epsilon).squareRoot()
                    return part.count == 1 ? normalized : normalized * part[1].values[c] + part[2].values[c]
                })
        }
    }

    /// The normalised elements and the inverse deviations [c]; forward and backward pass build the same nodes, so they
    /// share them.
    private func normalized(_ x: Tensor) -> (elements: Tensor, inverseDeviation: Tensor) {
        let (mean, variance) = channelMoments(x, axis: axis, ranks: ranks)
        let inverse = 1 / sqrt(variance + epsilon)
        return ((x - along(mean, x)) * along(inverse, x), inverse)
    }

    /// Numbers of the channels, for each element of x.
    private func along(_ channels: Tensor, _ x: Tensor) -> Tensor { ofChannels(channels, x, axis: axis) }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let elements = normalized(operands[0]).elements
        return operands.count == 1 ? elements : elements * along(operands[1], elements) + along(operands[2], elements)
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], seed = context.seed, others = x.shape.indices.filter { $0 != axis }
        let (elements, inverse) = normalized(x)
        let share = Double(x.shape[axis]) / Double(x.type.count * ranks)
        let total = sum(seed, axes: others), product = sum(seed * elements, axes: others)
        let scale = context.operands.count == 1 ? inverse : inverse * context.operands[1]
        // Each rank's x has moved the statistics of all: both sums travel in one message. Weight and bias are the
        // rank's own.
        let (allTotal, allProduct) = ranks > 1 ? sums(total, product) : (total, product)
        let input = (seed - along(allTotal * share, x) - elements * along(allProduct * share, x)) * along(scale, x)
        return context.operands.count == 1 ? [input] : [input, product, total]
    }

    /// The sums over ranks of two tensors [c].
    private func sums(_ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
        let count = a.shape[0], sums = allReduce(concatenate([a, b], axis: 0))
        return (sums.slice(0..<count, axis: 0), sums.slice(count..<2 * count, axis: 0))
    }
}

/// Numbers of the channels [c] for each element of x, whose axis `axis` has the channels.
private func ofChannels(_ channels: Tensor, _ x: Tensor, axis: Int) -> Tensor {
    x.builder.add(Broadcast(shape: x.shape, axes: [axis]), [channels])
}

/// Mean [c] and biased variance [c] of each channel of x over all other axes than `axis`, and over so many ranks, each
/// of which has as large a part of a batch as x.
public func channelMoments(_ x: Tensor, axis: Int, ranks: Int = 1) -> (mean: Tensor, variance: Tensor) {
    guard x.isValid else { return (x, x) }
    let others = x.shape.indices.filter { $0 != axis }
    // The mean of all ranks comes first, and deviations are from that: differences of squares would lose digits.
    let means = mean(mean(x, axes: others), ofRanks: ranks)
    let centred = x - ofChannels(means, x, axis: axis)
    return (means, mean(mean(centred * centred, axes: others), ofRanks: ranks))
}

/// Batch normalisation with the statistics of x itself, as in training: x with its channels along `axis`, weight [c]
/// and bias [c] or neither. Where several ranks run the graph (``GraphBuilder/ranks``), statistics are those of all of
/// them.
public func batchNormalization(
    _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, axis: Int = 1, epsilon: Double, file: String = #fileID,
    line: Int = #line
) -> Tensor {
    x.builder.add(
        BatchNormalization(axis: axis, epsilon: epsilon, ranks: x.builder.ranks),
        [x] + [weight, bias].compactMap(\.self),
        location: x.builder.location(file, line))
}

/// Batch normalisation with given statistics, as in evaluation: (x − mean) / √(variance + ε), then weight and bias; all
/// of the channels, [c].
public func batchNormalization(
    _ x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, axis: Int = 1,
    epsilon: Double
) -> Tensor {
    guard x.isValid else { return x }
    return x.within("batchNormalization") {
        let inverse = 1 / sqrt(variance + epsilon)
        let scale = weight.map { inverse * $0 } ?? inverse
        let scaled = (x - ofChannels(mean, x, axis: axis)) * ofChannels(scale, x, axis: axis)
        return bias.map { scaled + ofChannels($0, x, axis: axis) } ?? scaled
    }
}
