/// The kernel of a resize; when shrinking, it is widened by the scale, so that every source pixel counts.
public enum ResizeFilter: Sendable, Equatable {
    /// Linear interpolation, support of one pixel on each side.
    case bilinear
    /// Cubic convolution with a = -0.5, support of two pixels on each side.
    case bicubic

    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }
}

/// A rectangle in fractional pixels of an image, given by its four edges as Pillow's `box` is.
public struct PixelBox: Sendable, Equatable {
    /// Left edge.
    public var left: Float
    /// Upper edge.
    public var top: Float
    /// Right edge.
    public var right: Float
    /// Lower edge.
    public var bottom: Float

    /// Makes a box from its edges; whether it lies inside an image is checked where it is used.
    public init(left: Float, top: Float, right: Float, bottom: Float) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }
}

extension RGBImage {
    /// The image, or the part of it inside `box`, scaled to `width` x `height` pixels, equal to the last bit to
    /// `resize((width, height), filter, box)` of Pillow 13.
    ///
    /// Unlike a crop before the resize, a box lets the filter see the pixels around it.
    /// Throws `invalidArgument` for an empty target or a box that is empty or leaves the image.
    public func resized(
        width: Int, height: Int, filter: ResizeFilter, box: PixelBox? = nil
    ) throws(DataError) -> RGBImage {
        let whole = PixelBox(left: 0, top: 0, right: Float(self.width), bottom: Float(self.height))
        let box = box ?? whole
        guard Self.targetSides.contains(width), Self.targetSides.contains(height), box.left >= 0, box.top >= 0,
            box.right <= whole.right,
            box.bottom <= whole.bottom, box.left < box.right, box.top < box.bottom
        else {
            throw DataError(
                .invalidArgument,
                "\(box) of an image of \(self.width) x \(self.height) pixels cannot be scaled to \(width) x \(height)",
                advice: "Choose a non-empty box inside the image and a target of 1 to 65536 pixels per side.")
        }
        // Where the height shrinks by far more than the width, columns first is less work. That order, and so its
        // rounding, came with Pillow 13; before, rows were always first.
        let shrinking = self.height - height
        let columnsFirst = shrinking > 0 && shrinking > 2 * (self.width - width)
        let changesWidth = width != self.width || box.left != 0 || box.right != whole.right
        let changesHeight = height != self.height || box.top != 0 || box.bottom != whole.bottom
        let columns = FilterTaps(from: self.height, edges: (box.top, box.bottom), to: height, filter: filter)
        let rows = FilterTaps(from: self.width, edges: (box.left, box.right), to: width, filter: filter)
        var result = self
        if columnsFirst, changesHeight { result = result.resampledVertically(columns) }
        if changesWidth { result = result.resampledHorizontally(rows) }
        if !columnsFirst, changesHeight { result = result.resampledVertically(columns) }
        return result
    }

    private static var targetSides: ClosedRange<Int> { 1...65536 }

    /// Throws `invalidArgument` unless something can be scaled to `width` x `height` pixels.
    static func checkTarget(_ width: Int, _ height: Int) throws(DataError) {
        guard targetSides.contains(width), targetSides.contains(height) else {
            throw DataError(
                .invalidArgument, "a target of \(width) x \(height) pixels",
                advice: "Choose 1 to 65536 pixels per side.")
        }
    }

    private func resampledHorizontally(_ taps: FilterTaps) -> RGBImage {
        let (sourceWidth, targetWidth) = (width, taps.count)
        let resampled = [UInt8](unsafeUninitializedCapacity: height * targetWidth * 3) { target, count in
            pixels.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<height {
                        for x in 0..<targetWidth {
                            var pixel = (y * sourceWidth + taps.first[x]) * 3
                            var (red, green, blue) = (FilterTaps.half, FilterTaps.half, FilterTaps.half)
                            let start = x * taps.stride
                            for tap in start..<start + taps.length[x] {
                                let weight = weights[tap]
                                red &+= Int32(source[pixel]) &* weight
                                green &+= Int32(source[pixel + 1]) &* weight
                                blue &+= Int32(source[pixel + 2]) &* weight
                                pixel += 3
                            }
                            let output = (y * targetWidth + x) * 3
                            target[output] = FilterTaps.clipped(red)
                            target[output + 1] = FilterTaps.clipped(green)
                            target[output + 2] = FilterTaps.clipped(blue)
                        }
                    }
                }
            }
            count = height * targetWidth * 3
        }
        return RGBImage(width: targetWidth, height: height, checkedPixels: resampled)
    }

    private func resampledVertically(_ taps: FilterTaps) -> RGBImage {
        let rowBytes = width * 3
        let resampled = [UInt8](unsafeUninitializedCapacity: taps.count * rowBytes) { target, count in
            // Sums run along a whole row at a time, which the compiler turns into vector code.
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowBytes) { sums in
                pixels.withUnsafeBufferPointer { source in
                    for y in 0..<taps.count {
                        sums.update(repeating: FilterTaps.half)
                        for tap in 0..<taps.length[y] {
                            let weight = taps.weights[y * taps.stride + tap]
                            let row = source.baseAddress! + (taps.first[y] + tap) * rowBytes
                            for i in 0..<rowBytes { sums[i] &+= Int32(row[i]) &* weight }
                        }
                        let output = target.baseAddress! + y * rowBytes
                        for i in 0..<rowBytes { output[i] = FilterTaps.clipped(sums[i]) }
                    }
                }
            }
            count = taps.count * rowBytes
        }
        return RGBImage(width: width, height: taps.count, checkedPixels: resampled)
    }
}

/// For each output position of one axis: the first source position, how many count, and their weights in
/// Pillow's fixed point (22 fractional bits: 32 less 8 for the pixel and 2 for overshoot).
private struct FilterTaps {
    static let precisionBits = 32 - 8 - 2
    static let half: Int32 = 1 << Int32(precisionBits - 1)

    let count: Int
    let stride: Int
    private(set) var first: [Int] = []
    private(set) var length: [Int] = []
    private(set) var weights: [Int32]

    init(from sourceSize: Int, edges: (first: Float, last: Float), to count: Int, filter: ResizeFilter) {
        let scale = Double(edges.last - edges.first) / Double(count)
        let widening = max(scale, 1)
        let support = filter.support * widening
        self.count = count
        stride = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: count * stride)
        for position in 0..<count {
            let center = Double(edges.first) + (Double(position) + 0.5) * scale
            let start = max(0, Int(center - support + 0.5))
            let end = min(sourceSize, Int(center + support + 0.5))
            let raw = (start..<end).map { filter.weight(at: (Double($0) - center + 0.5) * (1 / widening)) }
            let sum = raw.reduce(0, +)
            for (tap, weight) in raw.enumerated() {
                let scaled = (sum == 0 ? weight : weight / sum) * Double(1 << Self.precisionBits)
                weights[position * stride + tap] = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
            }
            first.append(start)
            length.append(end - start)
        }
    }

    /// A sum in fixed point as a byte; the half is already in it, so that the shift rounds.
    @inline(__always)
    static func clipped(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: max(0, min(255, sum >> Int32(precisionBits))))
    }
}
