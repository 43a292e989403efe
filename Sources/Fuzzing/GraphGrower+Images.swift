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

    /// A convolution with stride and padding, with a bias at times.
    mutating func growConvolution() {
        let x = images(exact: false), shape = x.tensor.shape
        let stride = random.pick([1, 1, 2, 3]), padding = random.pick([0, 0, 1, 1, 2])
        let sides = shape[2...].map { extent in random.pick([1, 2, 3, 3, 5].filter { $0 <= extent + 2 * padding }) }
        let outputs = random.pick([1, 2, 3, 5, 8, 16]), window = shape[1] * sides[0] * sides[1]
        let places = zip(shape[2...], sides).map { ($0 + 2 * padding - $1) / stride + 1 }.reduce(shape[0], *)
        guard places * max(window, outputs) <= 2 * largestCount, places * window * outputs <= 60_000 else { return }
        let kernel = fresh([outputs, shape[1]] + sides)
        let result = convolution2D(x.tensor, kernel: kernel.tensor, stride: stride, padding: padding)
        let bound = x.bound * kernel.bound * Double(window)
        if random.chance(0.4) {
            keep(result + fresh([outputs, 1, 1]).tensor, bound: bound + 2)
        } else {
            keep(result, bound: bound)
        }
    }

    /// The largest or the mean of each window.
    mutating func growPooling() {
        let isMaximum = random.chance(0.6), x = images(exact: isMaximum && smooth)
        let size = random.pick([1, 2, 2, 3].filter { $0 <= min(x.tensor.shape[2], x.tensor.shape[3]) })
        let stride = random.pick([size, 1, 2, 3])
        if isMaximum {
            keep(maximumPooling2D(x.tensor, size: size, stride: stride), bound: x.bound, exact: x.exact)
        } else {
            keep(averagePooling2D(x.tensor, size: size, stride: stride), bound: x.bound)
        }
    }
}
