extension Convolve {
    /// Phases that are computed one by one; with more of them, zeros between the seed's elements cost less than
    /// operations.
    private static let mostPhases = 16

    /// The transposed convolution, what each place of a convolution gives back to its images: seed [n, o, counts...]
    /// and kernel [o, c / groups, size...] -> [n, c, extents...].
    ///
    /// Along an axis, image element t gets seed element i by tap k where i · stride + k · dilation = t + padding. So
    /// the elements of one phase, t mod stride, are windows of the seed, multiplied with every so-many-th tap in
    /// reverse; no product with the zeros of a spread seed is computed.
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
        return interleaved(parts, stride: stride, extents: extents, channelsFirst: true)
    }

    /// The elements of one phase, [c, n, counts...].
    private func images(_ seed: Tensor, _ kernel: Tensor, phase: [Int], counts: [Int]) -> Tensor {
        let taps = stride.indices.map {
            PhaseTaps(
                phase: phase[$0], size: kernel.shape[$0 + 2], stride: stride[$0], padding: padding[$0],
                dilation: dilation[$0])
        }
        let channels = kernel.shape[1] * groups
        let isDepthwise = isDepthwise(kernel), isInGroups = groups > 1 && !isDepthwise
        guard taps.allSatisfy({ $0.count > 0 }),
            let seed = (isInGroups ? groupsAsSamples(seed) : seed).read(by: taps, counts: counts)
        else { return seed.constant(0, shape: [channels, seed.shape[0]] + counts) }
        let kernel = taps.enumerated().reduce(kernel) {
            $0.slice($1.element.first..<$0.shape[$1.offset + 2], axis: $1.offset + 2, step: $1.element.step)
        }
        let size = taps.map(\.count), ones = size.map { _ in 1 }
        let windows = seed.builder.add(
            Windows(size: size, stride: ones, dilation: taps.map(\.dilation), isReversed: true), [seed])
        if isDepthwise {
            return samplesFirst(weighted(windows.places(first: 2, count: size.count), by: kernel))
        }
        let places = size.indices.map { $0 + 2 }
        guard isInGroups else { return dot(kernel, windows, contracting: [(0, 1)] + places.map { ($0, $0) }) }
        let product = dot(
            grouped(kernel, axis: 0), inGroups(windows), batch: [(0, 1)],
            contracting: [(1, 2)] + places.map { ($0 + 1, $0 + 1) })
        return ungrouped(product, axis: 0)
    }

    /// Images [n, c, ...] whose groups of channels are samples of their own, [n · groups, c / groups, ...]: so their
    /// windows lie at plain distances from each other.
    func groupsAsSamples(_ x: Tensor) -> Tensor {
        x.reshape([x.shape[0] * groups, x.shape[1] / groups] + x.shape[2...])
    }

    /// The samples of ``groupsAsSamples(_:)``, and the groups in them, as two axes.
    func inGroups(_ x: Tensor) -> Tensor { x.reshape([x.shape[0] / groups, groups] + x.shape[1...]) }

    /// An axis of channels as groups of them.
    func grouped(_ x: Tensor, axis: Int) -> Tensor {
        x.reshape(Array(x.shape[..<axis]) + [groups, x.shape[axis] / groups] + x.shape[(axis + 1)...])
    }

    /// Groups of channels, and the channels in them, as one axis.
    func ungrouped(_ x: Tensor, axis: Int) -> Tensor {
        x.reshape(Array(x.shape[..<axis]) + [x.shape[axis] * x.shape[axis + 1]] + x.shape[(axis + 2)...])
    }
}

/// [c, n, ...] as [n, c, ...].
private func samplesFirst(_ x: Tensor) -> Tensor { x.transpose([1, 0] + Array(2..<x.rank)) }
