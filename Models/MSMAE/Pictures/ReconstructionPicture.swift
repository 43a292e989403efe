import Apus

extension TrainedModel {
    /// Three images of the model's size side by side: what the encoder sees, what the decoder makes of it, and the
    /// original.
    ///
    /// Masked patches are grey in the first one. Patches that were thrown away are dark red in the first two: nothing
    /// is predicted there.
    public func reconstructionPicture(of image: RGBImage, masking: Masking? = nil, seed: UInt64 = 0, index: Int = 0)
        throws -> RGBImage
    {
        var random = CounterRandom(seed: seed, index: index, purpose: .masking)
        let key = (Int32(truncatingIfNeeded: random.next()), Int32(truncatingIfNeeded: random.next()))
        let (predictions, mask) = try reconstruct(image, masking ?? self.masking, key: key)

        let layout = ImagePatches(configuration: configuration), size = configuration.patchSize
        let original = try input(image), patches = layout.patches(of: original.normalized()[...])
        var seen = patches, rebuilt = patches
        for (token, kind) in mask.enumerated() where kind != 0 {
            let range = token * size..<(token + 1) * size
            let isThrown = kind < 0
            let scale: (mean: Float, deviation: Float) =
                configuration.normalizePixels ? ImagePatches.moments(patches[range]) : (0, 1)
            for index in range {
                let colour = (isThrown ? Self.thrownColour : Self.maskedColour)[index % configuration.channels]
                seen[index] = colour
                rebuilt[index] = isThrown ? colour : predictions[index] * scale.deviation + scale.mean
            }
        }
        return try RGBImage.row([pixels(layout.image(of: seen)), pixels(layout.image(of: rebuilt)), original])
    }

    private static let maskedColour = normalized(SIMD3(128, 128, 128)), thrownColour = normalized(SIMD3(96, 24, 24))

    /// A colour of bytes as the model's numbers.
    private static func normalized(_ colour: SIMD3<Float>) -> SIMD3<Float> {
        (colour / 255 - Normalization.imageNet.mean) / Normalization.imageNet.deviation
    }

    /// The image of the model's numbers, [channels, side, side].
    private func pixels(_ numbers: [Float]) throws -> RGBImage {
        let plane = configuration.image * configuration.image
        var pixels = [UInt8](repeating: 0, count: numbers.count)
        for channel in 0..<3 {
            let mean = Normalization.imageNet.mean[channel], deviation = Normalization.imageNet.deviation[channel]
            for index in 0..<plane {
                let level = (numbers[channel * plane + index] * deviation + mean) * 255
                pixels[index * 3 + channel] = UInt8(min(max(level.rounded(), 0), 255))
            }
        }
        return try RGBImage(width: configuration.image, height: configuration.image, pixels: pixels)
    }
}

extension RGBImage {
    /// Pixels of white between the images of a row.
    public static let rowGap = 4

    /// Images of one height side by side.
    static func row(_ images: [RGBImage]) throws -> RGBImage {
        var pixels: [UInt8] = []
        for y in 0..<(images.first?.height ?? 0) {
            for (number, image) in images.enumerated() {
                if number > 0 { pixels += [UInt8](repeating: 255, count: rowGap * 3) }
                pixels += image.pixels[y * image.width * 3..<(y + 1) * image.width * 3]
            }
        }
        let width = images.reduce(rowGap * (images.count - 1)) { $0 + $1.width }
        return try RGBImage(width: width, height: images.first?.height ?? 0, pixels: pixels)
    }

    /// Each pixel as a square of `factor` times `factor` pixels.
    public func enlarged(_ factor: Int) throws -> RGBImage {
        guard factor > 1 else { return self }
        var enlarged: [UInt8] = []
        for y in 0..<height {
            let row = (0..<width).flatMap { x in
                let pixel = pixels[(y * width + x) * 3..<(y * width + x + 1) * 3]
                return (0..<factor).flatMap { _ in pixel }
            }
            for _ in 0..<factor { enlarged += row }
        }
        return try RGBImage(width: width * factor, height: height * factor, pixels: enlarged)
    }
}
