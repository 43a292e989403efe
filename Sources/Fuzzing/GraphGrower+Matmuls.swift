import ApusIR

extension GraphGrower {
    /// Rows of a table, at times with places added as to the words of a sentence.
    mutating func growEmbedding() {
        let width = random.pick([1, 3, 8, 17, configuration.rowPeriod]), rows = random.pick([1, 2, 3, 7, 17, 50])
        let places = (0..<random.integer(0...2)).map { _ in random.pick([1, 2, 3, 7]) }
        guard rows * width <= largestCount, places.reduce(width, *) <= largestCount else { return }
        let table = fresh([rows, width]), words = gather(table.tensor, input(.i32, places))
        if random.chance(0.4), let tokens = places.last {
            keep(words + fresh([tokens, width]).tensor, bound: 4, exact: true)
        } else {
            keep(words, bound: 2, exact: true)
        }
    }

    /// Exact rows of which a matmul is made as well; at times they lie a period of the cache apart.
    private mutating func exactRows() -> Grown? {
        let period = configuration.rowPeriod
        if random.chance(0.5), 2 * period <= largestCount {
            let rows = min(random.integer(2...5), largestCount / period)
            let x = fresh([rows, random.chance(0.2) && 4 * period <= largestCount ? 2 * period : period])
            // Computed, since what lies in an input or a parameter lies there without gaps.
            return random.chance(0.7) ? Grown(tensor: -x.tensor, bound: x.bound, exact: true) : x
        }
        let x = exactValue()
        return x.tensor.rank >= 1 && x.tensor.shape[x.tensor.rank - 1] > 1 ? x : nil
    }

    /// A linear layer on rows, kept if it is not too large.
    private mutating func keepMatmul(of x: Grown, outputs: Int? = nil) {
        let width = x.tensor.shape[x.tensor.rank - 1], outputs = outputs ?? random.pick([1, 3, 8, 16])
        guard x.tensor.type.count / width * outputs <= largestCount, x.tensor.type.count * outputs <= 60_000 else {
            return
        }
        keep(linear(x.tensor, weight: fresh([outputs, width]).tensor), bound: x.bound * 2 * Double(width))
    }

    /// What reads a value beside a matmul must see the same numbers, wherever and however rounded they are stored.
    mutating func growBesideMatmul() {
        guard let x = exactRows() else { return }
        let axis = random.integer(0...x.tensor.rank - 1), count = Double(x.tensor.shape[axis])
        let keepsAxis = random.chance(0.4), batch = x.tensor.rank - 1
        let kind = random.integer(0...6)
        if random.chance(0.5) { keepMatmul(of: x) }
        switch kind {
        case 0: keep(maximum(x.tensor, axes: [axis], keepAxes: keepsAxis), bound: x.bound, exact: true)
        case 1: keep(minimum(x.tensor, axes: [axis], keepAxes: keepsAxis), bound: x.bound, exact: true)
        case 2:
            let isExact = !configuration.roundsOperands
            keep(sum(x.tensor, axes: [axis], keepAxes: keepsAxis), bound: x.bound * count, exact: isExact)
        case 3: integers.append(argsort(x.tensor))
        case 4:
            let order = argsort(x.tensor)
            integers.append(order)
            keep(gather(x.tensor, order, batch: batch), bound: x.bound, exact: true)
        case 5: integers.append(argmax(x.tensor))
        default:
            let scaled = x.tensor - maximum(x.tensor, axes: [axis], keepAxes: true)
            keep(scaled, bound: 2 * x.bound, exact: true)
        }
        keepMatmul(of: x)
    }

    /// xᵀ·y, x·yᵀ or xᵀ·yᵀ of matrices, and what a model does with heads around it.
    mutating func growTransposedMatmul() {
        let x = value(), rank = x.tensor.rank
        guard rank >= 2 else { return }
        let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
        let left = random.chance(0.6) ? x.tensor.transpose(order) : x.tensor
        let contracted = left.shape[rank - 1], columns = random.pick([1, 2, 3, 8, 17])
        guard left.type.count / contracted * columns <= largestCount, left.type.count * columns <= 60_000 else {
            return
        }
        let batch = random.chance(0.5) ? Array(left.shape.dropLast(2)) : []
        let isTransposed = random.chance(0.5)
        let y = fresh(batch + (isTransposed ? [columns, contracted] : [contracted, columns]))
        let swapped = Array(0..<batch.count) + [batch.count + 1, batch.count]
        let right = isTransposed ? y.tensor.transpose(swapped) : y.tensor
        let product =
            batch.isEmpty
            ? dot(left, right, contracting: [(rank - 1, 0)]) : matmul(left, right)
        let result = random.chance(0.5) ? product.transpose(order) : product
        keep(result, bound: x.bound * 2 * Double(contracted))
    }

    /// Rows that lie a period of the cache apart, or with a gap where a matmul reads them, read by something else too.
    mutating func growPeriodicRows() {
        let period = configuration.rowPeriod, rows = max(1, min(random.integer(2...6), largestCount / period))
        guard rows * period <= largestCount else { return }
        let leaf = fresh([rows, period])
        let x =
            random.chance(0.5)
            ? Grown(tensor: tanh(leaf.tensor), bound: 1, exact: false)
            : Grown(tensor: leaf.tensor * -0.5, bound: 1, exact: false)
        keepMatmul(of: x, outputs: random.pick([1, 3, period]))
        switch random.integer(0...8) {
        case 0:
            let end = random.integer(1...rows)
            keep(x.tensor.slice(random.integer(0...end - 1)..<end, axis: 0), bound: x.bound)
        case 1: keep(x.tensor.slice(0..<period, axis: 1, step: 2), bound: x.bound)
        case 2:
            let other = pool.filter { $0.tensor.shape == x.tensor.shape }.randomElement(using: &random) ?? leaf
            keep(concatenate([x.tensor, other.tensor], axis: random.integer(0...1)), bound: max(x.bound, other.bound))
        case 3: keep(x.tensor.padded(low: [1, 0], high: [0, random.integer(0...2)]), bound: x.bound)
        case 4: keep(x.tensor.transpose([1, 0]), bound: x.bound)
        case 5: keep(x.tensor.reshape([-1]), bound: x.bound)
        case 6: keep(gather(x.tensor, input(.i32, [random.integer(1...4)])), bound: x.bound)
        case 7: keep(softmax(x.tensor), bound: 1)
        default: keep(x.tensor + leaf.tensor, bound: x.bound + leaf.bound)
        }
        keep(x.tensor, bound: x.bound)
    }

    /// Attention as models have it: one projection for all of queries, keys and values, heads, and a residual.
    mutating func growAttentionBlock() {
        let heads = random.integer(1...2), width = random.pick([1, 2, 4, 8]), tokens = random.pick([1, 2, 3, 5, 8, 17])
        let batch = random.integer(1...2), features = heads * width
        guard batch * tokens * max(3 * features, heads * tokens) <= largestCount else { return }
        let fitting = pool.filter { $0.tensor.rank > 0 && $0.tensor.type.count == batch * tokens * features }
        let x = fitting.randomElement(using: &random) ?? fresh([batch, tokens, features])
        let rows = x.tensor.reshape([batch, tokens, features])
        let weight = fresh([3 * features, features]).tensor * (1 / Double(features))
        let projected = linear(rows, weight: weight, bias: random.chance(0.5) ? fresh([3 * features]).tensor : nil)
        let bound = 2 * x.bound + 2
        let parts = projected.reshape([batch, tokens, 3, heads, width]).transpose([2, 0, 3, 1, 4])
        let (q, k, v) = (part(0, of: parts), part(1, of: parts), part(2, of: parts))
        let scale = min(1 / Double(width).squareRoot(), 10 / (bound * bound * Double(width)))
        let mixed: Tensor
        if random.chance(0.6) {
            mixed = attention(q, k, v, scale: scale)
        } else {
            mixed = matmul(softmax(matmul(q, k.transpose([0, 1, 3, 2])) * scale), v)
        }
        let joined = mixed.transpose([0, 2, 1, 3]).reshape([batch, tokens, features])
        if random.chance(0.5) {
            keep(rows + joined, bound: x.bound + bound)
        } else {
            let output = fresh([features, features])
            keep(linear(joined, weight: output.tensor), bound: bound * 2 * Double(features))
        }
    }

    /// One of the parts that a tensor's first axis numbers.
    private func part(_ index: Int, of x: Tensor) -> Tensor {
        x.slice(index..<index + 1, axis: 0).reshape(Array(x.shape.dropFirst()))
    }

    /// Tensors in bf16 that were exact before they were rounded, so that all round in the same way. Gradients would be
    /// rounded too, and are not exact.
    mutating func growBFloat16() {
        guard !smooth else { return growMatmul() }
        let x = exactValue(), rounded = x.tensor.cast(.bf16)
        guard x.tensor.rank > 0, random.chance(0.6) else {
            return keep(rounded.cast(.f32), bound: x.bound, exact: true)
        }
        let width = x.tensor.shape[x.tensor.rank - 1], columns = random.pick([1, 2, 3, 8])
        guard x.tensor.type.count / width * columns <= largestCount, x.tensor.type.count * columns <= 60_000 else {
            return
        }
        let right = fresh([width, columns]).tensor.cast(.bf16)
        let matmul = Dot(leftContracting: [x.tensor.rank - 1], rightContracting: [0], result: .f32)
        keep(builder.add(matmul, [rounded, right]), bound: x.bound * 2 * Double(width))
    }
}
