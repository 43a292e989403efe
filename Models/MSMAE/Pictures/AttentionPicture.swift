import Apus

extension TrainedModel {
    /// An image with the colours of heat where the class token attends most, in the size of the image.
    public func attentionPicture(of image: RGBImage) throws -> RGBImage {
        let map = try attentionMap(of: image)
        let low = map.values.min() ?? 0, range = max((map.values.max() ?? 0) - low, .leastNormalMagnitude)
        let levels = map.values.map { UInt8((($0 - low) / range * 255).rounded()) }
        let cells = try RGBImage(width: map.grid, height: map.grid, pixels: levels.flatMap { [$0, $0, $0] })
        let heat = try cells.resized(width: image.width, height: image.height, filter: .bilinear)
        var pixels = image.pixels
        for start in stride(from: 0, to: pixels.count, by: 3) {
            let level = Float(heat.pixels[start]) / 255
            let colour = HeatColour.at(level), share = 0.15 + 0.5 * level
            for channel in 0..<3 {
                pixels[start + channel] = UInt8(
                    (Float(pixels[start + channel]) * (1 - share) + colour[channel] * share).rounded())
            }
        }
        return try RGBImage(width: image.width, height: image.height, pixels: pixels)
    }
}

/// Colours from cold to hot: dark blue, purple, red, orange, yellow.
private enum HeatColour {
    private static let stops: [SIMD3<Float>] = [
        SIMD3(20, 10, 90), SIMD3(120, 20, 130), SIMD3(220, 45, 60), SIMD3(250, 140, 20), SIMD3(255, 245, 110),
    ]

    /// The colour of a level from 0 to 1.
    static func at(_ level: Float) -> SIMD3<Float> {
        let place = level * Float(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        let part = place - Float(index)
        return stops[index] * (1 - part) + stops[index + 1] * part
    }
}
