/// A region of an image in parts of its width and height: (0, 0, 1, 1) is the whole image.
public struct NormalizedRect: Sendable, Equatable {
    /// Left edge, as a part of the image's width.
    public let left: Double
    /// Upper edge, as a part of the image's height.
    public let top: Double
    /// Width, as a part of the image's width.
    public let width: Double
    /// Height, as a part of the image's height.
    public let height: Double

    /// The whole image.
    public static let whole = NormalizedRect(uncheckedLeft: 0, top: 0, width: 1, height: 1)

    /// Makes a region; throws `invalidArgument` unless it is non-empty and inside 0...1.
    public init(left: Double, top: Double, width: Double, height: Double) throws(DataError) {
        // The sum of two rounded parts may pass 1 by a rounding.
        let edge = 1 + 1e-9
        guard left >= 0, top >= 0, width > 0, height > 0, left + width <= edge, top + height <= edge else {
            throw DataError(
                .invalidArgument, "the region (\(left), \(top), \(width), \(height)) leaves the image",
                advice: "Give left, top, width and height as parts of the image, between 0 and 1.")
        }
        self.init(uncheckedLeft: left, top: top, width: width, height: height)
    }

    /// `region` as parts of the image of `width` x `height` pixels that it lies in.
    init(_ region: PixelRect, width: Int, height: Int) {
        self.init(
            uncheckedLeft: Double(region.left) / Double(width), top: Double(region.top) / Double(height),
            width: Double(region.width) / Double(width), height: Double(region.height) / Double(height))
    }

    private init(uncheckedLeft: Double, top: Double, width: Double, height: Double) {
        left = uncheckedLeft
        self.top = top
        self.width = width
        self.height = height
    }
}

/// A square grid of numbers that together cover one whole image, such as weights of its patches.
public struct SpatialMap: Sendable, Equatable {
    /// Cells per side.
    public let grid: Int
    /// `grid * grid` numbers, row-major from the image's top left.
    public let values: [Float]

    /// Wraps numbers; throws `invalidArgument` unless there are `grid * grid` of them and at least one.
    public init(grid: Int, values: [Float]) throws(DataError) {
        guard (1...1 << 15).contains(grid), values.count == grid * grid else {
            throw DataError(
                .invalidArgument, "\(values.count) weights are no map of \(grid) x \(grid) cells",
                advice: "Give one weight for each cell of the grid.")
        }
        self.grid = grid
        self.values = values
    }

    /// The map of the part of the image inside `region`, mirrored if `flipped`: `grid * grid` numbers again.
    ///
    /// Each new cell is the mean of the old cells below it, weighted by the area that they share.
    public func cropped(to region: NormalizedRect, flipped: Bool = false) -> [Float] {
        let rows = overlaps(start: region.top, length: region.height)
        let columns = overlaps(start: region.left, length: region.width)
        var cropped: [Float] = []
        cropped.reserveCapacity(values.count)
        for row in rows {
            for column in flipped ? columns.reversed() : columns {
                var sum = 0.0
                for (y, share) in row {
                    for (x, part) in column { sum += share * part * Double(values[y * grid + x]) }
                }
                cropped.append(Float(sum))
            }
        }
        return cropped
    }

    /// Along one axis, for each new cell: the old cells that it meets and what part of it each of them fills.
    private func overlaps(start: Double, length: Double) -> [[(cell: Int, part: Double)]] {
        // In units of old cells, so that the whole image gives whole numbers and exactly the old cells.
        let (first, step) = (start * Double(grid), length)
        return (0..<grid).map { index in
            let low = min(first + Double(index) * step, Double(grid))
            let high = min(first + Double(index + 1) * step, Double(grid))
            let cells = min(Int(low), grid - 1)...min(Int(high), grid - 1)
            let shared = cells.map { (cell: $0, part: min(high, Double($0 + 1)) - max(low, Double($0))) }
            let total = shared.reduce(0) { $0 + $1.part }
            // A cell too small for its position to resolve takes the old cell that it lies in.
            guard total > 0 else { return [(cells.lowerBound, 1)] }
            return shared.filter { $0.part > 0 }.map { ($0.cell, $0.part / total) }
        }
    }
}
