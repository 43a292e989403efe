extension Convolve {
    /// Phases that are computed one by one; with more of them, zeros between the seed's elements cost less than operations.
    private static let mostPhases = 16

    /// The transposed convolution, what each place of a convolution gives back to its images: seed [n, o, counts...]
    /// and kernel [o, c / groups, size...] -> [n, c, extents...].
    ///
    /// Along an axis, image element t gets seed element i by tap k where i · stride + k · dilation = t + padding. So the
    /// elements of one phase, t mod stride, are windows of the seed, multiplied with every so-many-th tap in reverse; no
    /// product with the zeros of a spread seed is computed.
    func images(_ seed: Tensor, _ kernel: Tensor, extents: [Int]) -> Tensor {
        guard seed.isValid, kernel.isValid else { return seed.isValid ? kernel : seed }
        let phases = stride.reduce(1) { min($0 * $1, Self.mostPhases + 1) }
        guard phases <= Self.mostPhases else {
            let spread = seed.padded(
                low: seed.shape.map { _ in 0 }, high: seed.shape.map { _ in 0 },
                interior: [0, 0] + stride.map { $0 - 1 })
            let ones = stride.map { _ in 1 }
            return Convolve(stride: ones, padding: padding, dilation: dilation, groups: groups)
                .images(spread, kernel, extents: extents)
        }
        let counts = zip(extents, stride).map { ($0 + $1 - 1) / $1 }
        var parts: [Tensor] = []
        forEachIndex(stride) { phase, _ in parts.append(images(seed, kernel, phase: phase, counts: counts)) }
        guard phases > 1 else { return samplesFirst(parts[0]) }
        // [stride..., c, n, counts...] -> [n, c, (counts, stride)...]
        let axes = stride.count, c = parts[0].shape[0], n = parts[0].shape[1]
        let joined = concatenate(parts, axis: 0).reshape(stride + [c, n] + counts)
        let order = [axes + 1, axes] + (0..<axes).flatMap { [axes + 2 + $0, $0] }
        return zip(extents, 2...).reduce(joined.transpose(order).reshape([n, c] + zip(counts, stride).map { $0 * $1 }))
        {
            $0.slice(0..<$1.0, axis: $1.1)
        }.copied()
    }

    /// Taps of one phase along one axis, and where the first element of the seed lies that the last of them reads.
    private struct Taps {
        var first: Int, step: Int, count: Int
        var start: Int, dilation: Int
    }

    private func taps(_ axis: Int, phase: Int, of size: Int) -> Taps {
        let (stride, dilation) = (stride[axis], dilation[axis])
        let place = phase + padding[axis]
        let first = (0..<min(size, stride)).first { (place - $0 * dilation) % stride == 0 } ?? size
        let step = stride / greatestCommonDivisor(stride, dilation)
        let count = (size - first + step - 1) / step
        let last = first + max(count - 1, 0) * step
        return Taps(
            first: first, step: step, count: count, start: (place - last * dilation) / stride,
            dilation: dilation * step / stride)
    }

    /// The elements of one phase, [c, n, counts...].
    private func images(_ seed: Tensor, _ kernel: Tensor, phase: [Int], counts: [Int]) -> Tensor {
        let taps = stride.indices.map { self.taps($0, phase: phase[$0], of: kernel.shape[$0 + 2]) }
        let channels = kernel.shape[1] * groups
        guard taps.allSatisfy({ $0.count > 0 }) else {
            return seed.constant(0, shape: [channels, seed.shape[0]] + counts)
        }
        var seed = seed, kernel = kernel, low = [0, 0], high = [0, 0]
        for (axis, tap) in taps.enumerated() {
            kernel = kernel.slice(tap.first..<kernel.shape[axis + 2], axis: axis + 2, step: tap.step)
            // The windows read start ..< end of the seed; what lies outside is zero.
            let extent = seed.shape[axis + 2], end = tap.start + counts[axis] + (tap.count - 1) * tap.dilation
            guard tap.start < extent, end > 0 else {
                return seed.constant(0, shape: [channels, seed.shape[0]] + counts)
            }
            seed = seed.slice(max(tap.start, 0)..<min(end, extent), axis: axis + 2)
            low.append(max(-tap.start, 0))
            high.append(max(end - extent, 0))
        }
        seed = seed.padded(low: low, high: high).copied()
        let size = taps.map(\.count), ones = size.map { _ in 1 }
        let windows = seed.builder.add(
            Windows(size: size, stride: ones, dilation: taps.map(\.dilation), isReversed: true), [seed])
        if groups > 1, kernel.shape[1] == 1, kernel.shape[0] == groups {
            return samplesFirst(weighted(places(of: windows, first: 2, count: size.count), by: kernel))
        }
        let places = size.indices.map { $0 + 2 }
        guard groups > 1 else { return dot(kernel, windows, contracting: [(0, 1)] + places.map { ($0, $0) }) }
        let product = dot(
            grouped(kernel, axis: 0), grouped(windows, axis: 1), batch: [(0, 1)],
            contracting: [(1, 2)] + places.map { ($0 + 1, $0 + 1) })
        return ungrouped(product, axis: 0)
    }

    /// An axis of channels as groups of them.
    func grouped(_ x: Tensor, axis: Int) -> Tensor {
        x.reshape(Array(x.shape[..<axis]) + [groups, x.shape[axis] / groups] + x.shape[(axis + 1)...])
    }

    /// Groups of channels, and the channels in them, as one axis.
    func ungrouped(_ x: Tensor, axis: Int) -> Tensor {
        x.reshape(Array(x.shape[..<axis]) + [x.shape[axis] * x.shape[axis + 1]] + x.shape[(axis + 2)...])
    }

    /// The parts of a tensor at each place of `count` axes from `first` on, in row-major order and without these axes.
    func places(of x: Tensor, first: Int, count: Int) -> [Tensor] {
        var parts: [Tensor] = []
        let axes = first..<first + count, others = Array(x.shape[..<first] + x.shape[axes.upperBound...])
        forEachIndex(Array(x.shape[axes])) { place, _ in
            let part = zip(axes, place).reduce(x) { $0.slice($1.1..<$1.1 + 1, axis: $1.0) }
            parts.append(part.reshape(others))
        }
        return parts
    }
}

/// [c, n, ...] as [n, c, ...].
private func samplesFirst(_ x: Tensor) -> Tensor { x.transpose([1, 0] + Array(2..<x.rank)) }

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
