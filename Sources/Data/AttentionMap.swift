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

/// A square grid of weights that together cover one whole image, such as a class token's attention to the patches.
public struct AttentionMap: Sendable, Equatable {
    /// Cells per side.
    public let grid: Int
    /// `grid * grid` weights, row-major from the image's top left.
    public let values: [Float]

    /// Wraps weights; throws `invalidArgument` unless there are `grid * grid` of them and at least one.
    public init(grid: Int, values: [Float]) throws(DataError) {
        guard (1...1 << 15).contains(grid), values.count == grid * grid else {
            throw DataError(
                .invalidArgument, "\(values.count) weights are no map of \(grid) x \(grid) cells",
                advice: "Give one weight for each cell of the grid.")
        }
        self.grid = grid
        self.values = values
    }

    /// The map of the part of the image inside `region`, mirrored if `flipped`: `grid * grid` weights again.
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

    /// The map that the released code of MSMAE draws masks from, for a crop of `pixels` x `pixels`.
    ///
    /// It divides the crop's edges by the image's size where it should divide by a cell's, so that the slice of the map
    /// always begins at the top left and has two cells each way, or three where the crop ends at the image's edge. The
    /// slice is stretched over the crop (bilinear, pixel centres), cut to 0...1, and averaged over each cell's pixels.
    public func croppedAsReleased(to region: NormalizedRect, pixels: Int, flipped: Bool = false) -> [Float] {
        func used(_ end: Double) -> Int { min(end > 1 - 1e-9 ? 3 : 2, grid) }
        let (rows, columns) = (used(region.top + region.height), used(region.left + region.width))
        let (down, across) = (stretch(rows, over: pixels), stretch(columns, over: pixels))
        let capped = values.map { min(max(Double($0), 0), 1) }
        var cropped: [Float] = []
        cropped.reserveCapacity(values.count)
        for row in down {
            for column in flipped ? across.reversed() : across {
                var sum = 0.0
                for y in 0..<rows {
                    for x in 0..<columns { sum += row[y] * column[x] * capped[y * grid + x] }
                }
                cropped.append(Float(sum))
            }
        }
        return cropped
    }

    /// Along one axis, for each of `grid` new cells: the mean weights of the first `count` old ones, when those are
    /// stretched over so many pixels.
    private func stretch(_ count: Int, over pixels: Int) -> [[Double]] {
        (0..<grid).map { cell in
            let range = cell * pixels / grid..<max((cell + 1) * pixels / grid, cell * pixels / grid + 1)
            var weights = [Double](repeating: 0, count: count)
            for pixel in range {
                let place = max((Double(pixel) + 0.5) * Double(count) / Double(pixels) - 0.5, 0)
                let first = min(Int(place), count - 1), second = min(first + 1, count - 1)
                weights[first] += (1 - (place - Double(first))) / Double(range.count)
                weights[second] += (place - Double(first)) / Double(range.count)
            }
            return weights
        }
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
