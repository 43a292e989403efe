/// An image of 8-bit red, green and blue: row-major, the three bytes of a pixel side by side.
public struct RGBImage: Sendable, Equatable {
    /// Pixels per row.
    public let width: Int
    /// Number of rows.
    public let height: Int
    /// `height * width * 3` bytes.
    public let pixels: [UInt8]

    /// Wraps pixels; throws `invalidArgument` unless there are `width * height * 3` bytes of a non-empty image.
    public init(width: Int, height: Int, pixels: [UInt8]) throws(DataError) {
        // The upper bound keeps the product from overflowing.
        guard (1...1 << 30).contains(width), (1...1 << 30).contains(height), pixels.count == width * height * 3 else {
            throw DataError(
                .invalidArgument, "\(pixels.count) bytes are no RGB image of \(width) x \(height) pixels",
                advice: "Give width * height * 3 bytes and at least one pixel.")
        }
        self.init(width: width, height: height, checkedPixels: pixels)
    }

    /// Wraps pixels whose number the caller has made sure of.
    init(width: Int, height: Int, checkedPixels: [UInt8]) {
        self.width = width
        self.height = height
        self.pixels = checkedPixels
    }

    /// The part of the image inside `region`; throws `invalidArgument` if the region leaves the image.
    public func cropped(to region: PixelRect) throws(DataError) -> RGBImage {
        guard region.left >= 0, region.top >= 0, region.width > 0, region.height > 0,
            region.left < width, region.width <= width - region.left,
            region.top < height, region.height <= height - region.top
        else {
            throw DataError(
                .invalidArgument, "the crop \(region) leaves the image of \(width) x \(height) pixels",
                advice: "Choose a non-empty region inside the image.")
        }
        if region == PixelRect(left: 0, top: 0, width: width, height: height) { return self }
        var cropped: [UInt8] = []
        cropped.reserveCapacity(region.width * region.height * 3)
        for y in region.top..<region.top + region.height {
            let start = (y * width + region.left) * 3
            cropped.append(contentsOf: pixels[start..<start + region.width * 3])
        }
        return RGBImage(width: region.width, height: region.height, checkedPixels: cropped)
    }

    /// The mirror image: left and right change places.
    public func flippedHorizontally() -> RGBImage {
        var flipped = pixels
        for y in 0..<height {
            let row = y * width * 3
            for x in 0..<width {
                let source = row + x * 3
                let target = row + (width - 1 - x) * 3
                flipped[target] = pixels[source]
                flipped[target + 1] = pixels[source + 1]
                flipped[target + 2] = pixels[source + 2]
            }
        }
        return RGBImage(width: width, height: height, checkedPixels: flipped)
    }
}

/// A rectangle in whole pixels.
public struct PixelRect: Sendable, Equatable, CustomStringConvertible {
    /// First column inside.
    public var left: Int
    /// First row inside.
    public var top: Int
    /// Number of columns.
    public var width: Int
    /// Number of rows.
    public var height: Int

    /// Makes a rectangle; whether it lies inside an image is checked where it is used.
    public init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }

    /// `WIDTHxHEIGHT+LEFT+TOP`, as image tools write it.
    public var description: String { "\(width)x\(height)+\(left)+\(top)" }
}
