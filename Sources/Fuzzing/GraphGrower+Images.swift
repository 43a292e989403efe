import ApusIR

extension GraphGrower {
    /// A value seen as images [n, c, h, w], or new images; exact if `exact`.
    private mutating func images(exact: Bool) -> Grown {
        let x = exact ? exactValue() : value(), shape = x.tensor.shape
        guard random.chance(0.6), (2...4).contains(shape.count), shape[shape.count - 1] > 1 else {
            let sides = [random.pick([3, 4, 5, 7, 8, 12]), random.pick([3, 4, 5, 7, 8, 16])]
            return fresh([random.integer(1...2), random.pick([1, 2, 3, 4])] + sides)
        }
        let ones = [Int](repeating: 1, count: 4 - shape.count)
        return Grown(tensor: x.tensor.reshape(ones + shape), bound: x.bound, exact: x.exact)
    }

    /// A convolution with stride, padding, dilation and groups, or a transposed one; with a bias at times.
    mutating func growConvolution() {
        let x = images(exact: false), shape = x.tensor.shape
        if random.chance(0.3) { return growTransposedConvolution(x) }
        let stride = random.pick([1, 1, 2, 3]), padding = random.pick([0, 0, 1, 1, 2])
        let sides = shape[2...].map { extent in random.pick([1, 2, 3, 3, 5].filter { $0 <= extent + 2 * padding }) }
        let groups = random.chance(0.3) ? random.pick((1...shape[1]).filter { shape[1] % $0 == 0 }) : 1
        let outputs = groups * random.pick(groups == 1 ? [1, 2, 3, 5, 8, 16] : [1, 1, 2])
        let window = shape[1] / groups * sides[0] * sides[1]
        let dilation = zip(shape[2...], sides).map { extent, side in
            side > 1 && 2 * side - 1 <= extent + 2 * padding && random.chance(0.2) ? 2 : 1
        }
        let places = zip(shape[2...], sides).map { ($0 + 2 * padding - $1) / stride + 1 }.reduce(shape[0], *)
        guard places * max(window, outputs) <= 2 * largestCount, places * window * outputs <= 60_000 else { return }
        let kernel = fresh([outputs, shape[1] / groups] + sides)
        let result = convolution(
            x.tensor, kernel: kernel.tensor, stride: stride, padding: padding, dilation: dilation, groups: groups)
        let bound = x.bound * kernel.bound * Double(window)
        if random.chance(0.4) {
            keep(result + fresh([outputs, 1, 1]).tensor, bound: bound + 2)
        } else {
            keep(result, bound: bound)
        }
    }

    private mutating func growTransposedConvolution(_ x: Grown) {
        let shape = x.tensor.shape, size = random.pick([1, 2, 2, 3]), stride = random.pick([1, 2, 2, 3])
        let padding = random.integer(0...(size - 1) / 2), outputs = random.integer(1...3)
        guard x.tensor.type.count * stride * stride * size * size * outputs <= 30_000 else { return }
        let kernel = fresh([shape[1], outputs, size, size])
        let result = transposedConvolution(
            x.tensor, kernel: kernel.tensor, stride: stride, padding: padding,
            outputPadding: random.integer(0...stride - 1))
        keep(result, bound: x.bound * kernel.bound * Double(shape[1] * size * size))
    }

    /// The largest or the mean of each window.
    mutating func growPooling() {
        let isMaximum = random.chance(0.6), x = images(exact: isMaximum && smooth)
        let size = random.pick([1, 2, 2, 3].filter { $0 <= min(x.tensor.shape[2], x.tensor.shape[3]) })
        let stride = random.pick([size, 1, 2, 3]), padding = random.integer(0...size / 2)
        let ceilMode = random.chance(0.3)
        if isMaximum {
            keep(
                maximumPooling(x.tensor, size: size, stride: stride, padding: padding, ceilMode: ceilMode),
                bound: x.bound, exact: x.exact)
        } else {
            let counted = random.chance(0.5)
            keep(
                averagePooling(
                    x.tensor, size: size, stride: stride, padding: padding, countsPadding: counted, ceilMode: ceilMode),
                bound: x.bound)
        }
    }
}
