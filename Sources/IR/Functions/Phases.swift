/// The taps of windows with a stride that meet image elements of one phase, t mod stride, along an axis: window w meets
/// element t by tap k where w · stride + k · dilation = t + padding. They are every `step`-th from `first` on.
struct PhaseTaps {
    var first: Int, step: Int, count: Int
    /// The window that the last tap reads for the phase's first element, and the distance of the windows of two taps.
    var start: Int, dilation: Int

    init(phase: Int, size: Int, stride: Int, padding: Int, dilation: Int) {
        let place = phase + padding
        first = (0..<min(size, stride)).first { (place - $0 * dilation) % stride == 0 } ?? size
        step = stride / greatestCommonDivisor(stride, dilation)
        count = (size - first + step - 1) / step
        start = (place - (first + max(count - 1, 0) * step) * dilation) / stride
        self.dilation = dilation * step / stride
    }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }

extension Tensor {
    /// What taps read of numbers of windows [n, c, counts...] for so many elements of a phase, with zeros where there
    /// is no window, stored; nil if they read none.
    func read(by taps: [PhaseTaps], counts: [Int]) -> Tensor? {
        var x = self, low = [0, 0], high = [0, 0]
        for (axis, tap) in taps.enumerated() {
            let extent = x.shape[axis + 2], end = tap.start + counts[axis] + (tap.count - 1) * tap.dilation
            guard tap.start < extent, end > 0 else { return nil }
            x = x.slice(max(tap.start, 0)..<min(end, extent), axis: axis + 2)
            low.append(max(-tap.start, 0))
            high.append(max(end - extent, 0))
        }
        return x.padded(low: low, high: high).copied()
    }

    /// The parts at each place of `count` axes from `first` on, in row-major order and without these axes.
    package func places(first: Int, count: Int) -> [Tensor] {
        var parts: [Tensor] = []
        let axes = first..<first + count, others = Array(shape[..<first] + shape[axes.upperBound...])
        forEachIndex(Array(shape[axes])) { place, _ in
            let part = zip(axes, place).reduce(self) { $0.slice($1.1..<$1.1 + 1, axis: $1.0) }
            parts.append(part.reshape(others))
        }
        return parts
    }
}

/// Images [n, c, extents...] of their phases [n, c, counts...], or [c, n, counts...] if channels come first, which are
/// given in row-major order.
package func interleaved(_ phases: [Tensor], stride: [Int], extents: [Int], channelsFirst: Bool = false) -> Tensor {
    let shape = phases[0].shape, axes = stride.count, counts = shape.dropFirst(2)
    let outer = channelsFirst ? [axes + 1, axes] : [axes, axes + 1]
    // [stride..., n, c, counts...] -> [n, c, (counts, stride)...]
    let joined = phases.count == 1 ? phases[0] : concatenate(phases, axis: 0)
    let ordered = joined.reshape(stride + shape).transpose(outer + (0..<axes).flatMap { [axes + 2 + $0, $0] })
    let whole = ordered.reshape(ordered.shape.prefix(2) + zip(counts, stride).map { $0 * $1 })
    let images = zip(extents, 2...).reduce(whole) { $0.slice(0..<$1.0, axis: $1.1) }
    return phases.count == 1 ? images : images.copied()
}
