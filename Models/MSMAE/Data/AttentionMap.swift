import Apus

/// The class token's attention to the patches of an image, which masks are drawn from.
public typealias AttentionMap = SpatialMap

extension MapCrop {
    /// The top left two or three cells each way, stretched over the crop, as MSMAE's released code has it.
    public static let released = MapCrop("released") { map, region, pixels, flipped in
        map.croppedAsReleased(to: region, pixels: pixels, flipped: flipped)
    }
}

extension AttentionMap {
    /// The map that the released code of MSMAE draws masks from, for a crop of `pixels` x `pixels`.
    ///
    /// It divides the crop's edges by the image's size where it should divide by a cell's, so that the slice of the map
    /// always begins at the top left and has two cells each way, or three where the crop ends at the image's edge. The
    /// slice is stretched over the crop (bilinear, pixel centres), cut to 0...1, and averaged over each cell's pixels.
    public func croppedAsReleased(to region: NormalizedRect, pixels: Int, flipped: Bool = false) -> [Float] {
        let pixels = max(pixels, 1)
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
}
