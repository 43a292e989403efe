import Apus
import Foundation

/// What a recording of image transforms says of itself.
private struct TransformsDescription: Decodable {
    struct Case: Decodable {
        let height: Int, width: Int, size: Int
        let crop_top_left_height_width: [Int]?
        let interpolation: String
    }

    let cases: [Case]
    let mean: [Float], std: [Float]
}

extension Replay {
    /// Image transforms: crops, resizes and the normalisation.
    static func transforms(_ recording: Recording) throws(ReplayError) -> [Comparison] {
        var recording = recording
        let description = try recording.description(TransformsDescription.self)
        let scale = try normalization(description, recording.path)
        var work: [(name: String, image: RGBImage, bytes: [UInt8], floats: [Float])] = []
        guard !description.cases.isEmpty else {
            throw ReplayError(.badDescription, path: recording.path, "there are no cases")
        }
        for (index, recorded) in description.cases.enumerated() {
            let size = recorded.size
            let pixels = try recording.bytes("\(index).input", [recorded.height, recorded.width, 3])
            let bytes = try recording.bytes("\(index).expect_u8", [size, size, 3])
            let floats = try recording.floats("\(index).expect_f32", [3, size, size])
            let image = try transformed(pixels, recorded, "case \(index) of \(recording.path)", recording.path)
            work.append(("\(index)", image, bytes, floats.floats))
        }
        try recording.expectNothingLeft()
        return work.flatMap { name, image, bytes, floats in
            levels("\(name).expect_u8", image.pixels, bytes) + normalized("\(name).expect_f32", image, floats, scale)
        }
    }

    private static func normalization(_ description: TransformsDescription, _ path: String) throws(ReplayError)
        -> Normalization
    {
        guard description.mean.count == 3, description.std.count == 3 else {
            throw ReplayError(.badDescription, path: path, "mean and std are of three channels")
        }
        func vector(_ values: [Float]) -> SIMD3<Float> { SIMD3(values[0], values[1], values[2]) }
        do {
            return try Normalization(mean: vector(description.mean), deviation: vector(description.std))
        } catch {
            throw ReplayError(.badDescription, path: path, error.description)
        }
    }

    private static func transformed(
        _ pixels: [UInt8], _ recorded: TransformsDescription.Case, _ name: String, _ path: String
    ) throws(ReplayError) -> RGBImage {
        let filters: [String: ResizeFilter] = ["bilinear": .bilinear, "bicubic": .bicubic]
        guard let filter = filters[recorded.interpolation] else {
            throw ReplayError(
                .unsupported, path: path,
                "the interpolation '\(recorded.interpolation.prefix(40))' is not known to this version")
        }
        do {
            var image = try RGBImage(width: recorded.width, height: recorded.height, pixels: pixels)
            if let crop = recorded.crop_top_left_height_width {
                guard crop.count == 4 else {
                    throw ReplayError(
                        .badDescription, path: path, "\(name): a crop has four numbers, not \(crop.count)")
                }
                image = try image.cropped(to: PixelRect(left: crop[1], top: crop[0], width: crop[3], height: crop[2]))
            }
            return try image.resized(width: recorded.size, height: recorded.size, filter: filter)
        } catch let error as ReplayError {
            throw error
        } catch {
            throw ReplayError(.badDescription, path: path, "\(name): \(error)")
        }
    }

    /// Compares bytes: they may differ by one level, and that in one of a thousand.
    private static func levels(_ quantity: String, _ computed: [UInt8], _ recorded: [UInt8]) -> [Comparison] {
        let differences = zip(computed, recorded).map { abs(Int($0) - Int($1)) }
        let share = Double(differences.count { $0 > 0 }) / Double(max(differences.count, 1))
        return [
            Comparison(
                quantity: "\(quantity), largest difference in levels", error: Double(differences.max() ?? 0),
                tolerance: 1),
            Comparison(quantity: "\(quantity), share of bytes that differ", error: share, tolerance: 1e-3),
        ]
    }

    /// Compares normalised numbers: the levels that they stand for as bytes are compared, and what is left by size.
    private static func normalized(_ quantity: String, _ image: RGBImage, _ recorded: [Float], _ scale: Normalization)
        -> [Comparison]
    {
        let plane = image.width * image.height
        var levels = [UInt8](repeating: 0, count: recorded.count)
        var rounding = 0.0
        for (index, value) in recorded.enumerated() {
            let channel = index / plane, pixel = index % plane
            let level = ((value * scale.deviation[channel] + scale.mean[channel]) * 255).rounded()
            let byte: UInt8 = level >= 0 && level <= 255 ? UInt8(level) : level > 255 ? 255 : 0
            levels[pixel * 3 + channel] = byte
            let exact = (Float(byte) / 255 - scale.mean[channel]) / scale.deviation[channel]
            let distance = Double(abs(value - exact)) / max(1, Double(abs(exact)))
            // NaN is no distance that a maximum would keep.
            rounding = distance.isNaN ? .infinity : max(rounding, distance)
        }
        return self.levels(quantity, image.pixels, levels)
            + [
                Comparison(
                    quantity: "\(quantity), largest distance from a level", error: rounding,
                    tolerance: Tolerances.of(.float32).forward)
            ]
    }
}
