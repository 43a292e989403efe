import ApusIR

extension GraphGrower {
    /// Some of the axes, at least one, in ascending order.
    mutating func someAxes(_ rank: Int) -> [Int] {
        let axes = (0..<rank).filter { _ in random.chance(0.5) }
        return axes.isEmpty ? [random.integer(0...rank - 1)] : axes
    }

    mutating func growReduction() {
        let kind = random.integer(0...3)
        let x = kind >= 2 ? kinkable() : value()
        guard x.tensor.rank > 0 else { return }
        let axes = someAxes(x.tensor.rank), keepAxes = random.chance(0.4)
        let count = Double(axes.map { x.tensor.shape[$0] }.reduce(1, *))
        switch kind {
        case 0:
            keep(
                sum(x.tensor, axes: axes, keepAxes: keepAxes), bound: x.bound * count,
                exact: x.exact && !configuration.roundsOperands)
        case 1: keep(mean(x.tensor, axes: axes, keepAxes: keepAxes), bound: x.bound)
        case 2: keep(maximum(x.tensor, axes: axes, keepAxes: keepAxes), bound: x.bound, exact: x.exact)
        default: keep(minimum(x.tensor, axes: axes, keepAxes: keepAxes), bound: x.bound, exact: x.exact)
        }
    }

    mutating func growSoftmax() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        if random.chance(0.3) {
            keep(logSoftmax(x.tensor), bound: 2 * x.bound + 4)
        } else {
            keep(softmax(x.tensor, axis: random.chance(0.6) ? -1 : random.integer(0...x.tensor.rank - 1)), bound: 1)
        }
    }

    mutating func growLayerNormalization() {
        let x = value()
        guard let width = x.tensor.shape.last else { return }
        let weight = fresh([width]), bias = fresh([width])
        let normal = layerNormalization(
            x.tensor, weight: weight.tensor, bias: bias.tensor, epsilon: random.pick([0.01, 0.1]))
        keep(normal, bound: 2 * Double(width).squareRoot() + 2)
    }

    mutating func growInterpolation() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        let axis = random.integer(0...x.tensor.rank - 1), size = random.integer(1...2 * x.tensor.shape[axis])
        let rule = random.pick(Interpolation.Rule.allCases)
        keep(x.tensor.builder.add(Interpolation(axis: axis, size: size, rule: rule), [x.tensor]), bound: x.bound)
    }

    /// A convolution of some value, seen as one image.
    mutating func growUpsampledConvolution() {
        let x = value()
        guard x.tensor.rank > 1 else { return }
        let (width, channels) = (x.tensor.shape[x.tensor.rank - 2], x.tensor.shape[x.tensor.rank - 1])
        let image = x.tensor.reshape([1, -1, width, channels]), height = image.shape[1]
        let sides = (random.pick([1, 3]), random.pick([1, 3])),
            kernel = fresh([random.integer(1...3), channels, sides.0, sides.1])
        let result = upsampledConvolution2D(
            image, kernel: kernel.tensor, height: random.pick([height, 2 * height]),
            width: random.pick([width, 2 * width]))
        keep(result, bound: x.bound * kernel.bound * Double(channels * sides.0 * sides.1))
    }

    mutating func growBatchNormalization() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        let axis = random.integer(0...x.tensor.rank - 1), channels = x.tensor.shape[axis], isAffine = random.chance(0.5)
        let normal = batchNormalization(
            x.tensor, weight: isAffine ? fresh([channels]).tensor : nil,
            bias: isAffine ? fresh([channels]).tensor : nil,
            axis: axis, epsilon: random.pick([0.01, 0.1]))
        keep(normal, bound: 2 * Double(x.tensor.type.count / channels).squareRoot() + 2)
    }

    /// A matmul whose axes take their parts in any order.
    mutating func growMatmul() {
        let x = value()
        guard x.tensor.rank <= 4 else { return }
        if x.tensor.rank >= 1, random.chance(0.3) { return growLinear(x) }
        enum Part { case batch, contracting, free }
        let parts = x.tensor.shape.map { _ in random.pick([Part.batch, .contracting, .contracting, .free]) }
        let shared = random.shuffled(x.tensor.shape.indices.filter { parts[$0] != .free })
        // The right operand has the shared axes and new free ones, in any order.
        var right: [(extent: Int, left: Int?)] = shared.map { (x.tensor.shape[$0], $0) }
        for _ in 0..<random.integer(0...2) { right.append((random.pick([1, 2, 3, 5, 7, 17]), nil)) }
        right = random.shuffled(right)
        let pairs = right.enumerated().compactMap { place, axis in axis.left.map { ($0, place) } }
        let batch = random.shuffled(pairs.filter { parts[$0.0] == .batch })
        let contracting = random.shuffled(pairs.filter { parts[$0.0] == .contracting })
        let depth = contracting.map { x.tensor.shape[$0.0] }.reduce(1, *)
        let free = right.filter { $0.left == nil }.map(\.extent).reduce(1, *)
        guard x.tensor.type.count * free <= 60_000, x.tensor.type.count / depth * free <= largestCount else {
            return
        }
        let y = fresh(right.map(\.extent))
        keep(dot(x.tensor, y.tensor, batch: batch, contracting: contracting), bound: x.bound * y.bound * Double(depth))
    }

    /// A layer as models have it: linear with bias, or the matmul of rows with rows.
    private mutating func growLinear(_ x: Grown) {
        let width = x.tensor.shape[x.tensor.rank - 1], rows = x.tensor.type.count / width
        if random.chance(0.4), rows * rows <= largestCount, x.tensor.rank >= 2 {
            let matrix = x.tensor.reshape([rows, width])
            keep(matmul(matrix, matrix.transpose([1, 0])), bound: x.bound * x.bound * Double(width))
            return
        }
        let outputs = random.pick([1, 3, 8, 17])
        guard rows * outputs <= largestCount else { return }
        let weight = fresh([outputs, width]), bias = fresh([outputs])
        keep(linear(x.tensor, weight: weight.tensor, bias: bias.tensor), bound: x.bound * 2 * Double(width) + 2)
    }

    /// Attention of rows to each other or to other rows, with values of another width at times.
    mutating func growAttention() {
        let x = value(), rank = x.tensor.rank
        guard rank >= 2 else { return }
        let batch = Array(x.tensor.shape.dropLast(2)), queries = x.tensor.shape[rank - 2],
            width = x.tensor.shape[rank - 1]
        let isToEachOther = random.chance(0.3)
        let keys = isToEachOther ? queries : random.pick([1, 3, 8, 17]),
            outputs = random.pick([width, width, 1, 5, 16])
        let largest = batch.reduce(1, *) * max(queries, keys) * max(keys, width, outputs)
        guard largest <= largestCount else { return }
        let k = isToEachOther ? x : fresh(batch + [keys, width]), v = fresh(batch + [keys, outputs])
        let scale = min(1 / Double(width).squareRoot(), 10 / (x.bound * k.bound * Double(width)))
        let isCausal = random.chance(0.3), mask = attentionMask(batch + [queries, keys])
        let dropout = attentionDropout()
        keep(
            attention(x.tensor, k.tensor, v.tensor, scale: scale, isCausal: isCausal, mask: mask, dropout: dropout),
            bound: v.bound * (dropout?.how.factor ?? 1))
    }

    /// Dropout of probabilities; none most of the time.
    private mutating func attentionDropout() -> (how: AttentionDropout, key: Tensor)? {
        guard random.chance(0.3) else { return nil }
        let how = AttentionDropout(keep: random.pick([0.25, 0.5, 0.9]), stream: random.integer(0...9))
        return (how, input(.i32, [2]))
    }

    /// A mask for scores of a shape, repeated along some axes; none most of the time.
    private mutating func attentionMask(_ scores: [Int]) -> Tensor? {
        guard random.chance(0.4) else { return nil }
        let shape = scores.map { random.chance(0.4) ? 1 : $0 }
        return random.chance(0.5) ? input(.bool, shape) : fresh(shape).tensor
    }

    mutating func growGather() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        let batch = random.integer(0...x.tensor.rank - 1)
        let inner = x.tensor.shape.dropFirst(batch + 1).reduce(1, *), outer = x.tensor.shape.prefix(batch).reduce(1, *)
        var chosen: [Int] = []
        for _ in 0..<random.integer(0...2) { chosen.append(random.pick([1, 2, 3, 7])) }
        guard outer * chosen.reduce(1, *) * inner <= largestCount else { return }
        let indices = input(.i32, x.tensor.shape.prefix(batch) + chosen)
        keep(gather(x.tensor, indices, batch: batch), bound: x.bound, exact: x.exact)
    }

    mutating func growScatter() {
        let x = value()
        let depth = random.integer(0...x.tensor.rank), batch = random.integer(0...depth)
        let rows = random.pick([1, 3, 7, 17])
        let outer = x.tensor.shape.prefix(batch).reduce(1, *), inner = x.tensor.shape.dropFirst(depth).reduce(1, *)
        guard outer * rows * inner <= largestCount else { return }
        let indices = input(.i32, Array(x.tensor.shape.prefix(depth)))
        let added = Double(indices.shape.dropFirst(batch).reduce(1, *))
        keep(scatterAdd(x.tensor, at: indices, rows: rows, batch: batch), bound: x.bound * added, exact: x.exact)
    }

    /// Rows in ascending order of exact keys, or another tensor in the order of the keys.
    mutating func growSort() {
        let keys = exactValue()
        guard let width = keys.tensor.shape.last, width > 1 else { return }
        let order = argsort(keys.tensor), batch = keys.tensor.rank - 1
        integers.append(order)
        if random.chance(0.5) {
            keep(gather(keys.tensor, order, batch: batch), bound: keys.bound, exact: true)
        } else {
            let rows = fresh(keys.tensor.shape + [random.pick([1, 3])])
            let kept = order.slice(0..<(width + 1) / 2, axis: -1)
            keep(gather(rows.tensor, kept, batch: batch), bound: 2, exact: true)
        }
    }
}
