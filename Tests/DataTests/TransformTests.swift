import ApusData
import ApusTraining
import Foundation
import Testing

@Suite struct TransformTests {
    /// One of the recorded cases: what was done to `i.input`.
    private struct RecordedCase: Decodable {
        let size: Int
        let interpolation: String
        let crop_top_left_height_width: [Int]?
    }

    private struct Recording: Decodable {
        let cases: [RecordedCase]
    }

    @Test func resizesEqualPillowsRecordedBytes() throws {
        let file = try SafetensorsFile(contentsOf: fixture("transforms.safetensors"))
        let description = try #require(file.metadata["fixture"])
        let cases = try JSONDecoder().decode(Recording.self, from: Data(description.utf8)).cases
        #expect(cases.count == 4)
        for (index, recorded) in cases.enumerated() {
            let shape = try file.shape("\(index).input")
            var image = try RGBImage(width: shape[1], height: shape[0], pixels: file.bytes("\(index).input"))
            if let crop = recorded.crop_top_left_height_width {
                image = try image.cropped(to: PixelRect(left: crop[1], top: crop[0], width: crop[3], height: crop[2]))
            }
            let resized = try image.resized(
                width: recorded.size, height: recorded.size,
                filter: recorded.interpolation == "bicubic" ? .bicubic : .bilinear)
            #expect(try resized.pixels == file.bytes("\(index).expect_u8"), "case \(index)")
            #expect(try resized.normalized() == file.floats("\(index).expect_f32"), "case \(index)")
        }
    }

    /// A ramp of 6 x 4 pixels resized by Pillow 13, for what the recorded cases leave out.
    @Test func boxesEqualPillow() throws {
        let ramp = try RGBImage(width: 6, height: 4, pixels: (0..<72).map { UInt8($0 * 37 % 256) })
        let box = PixelBox(left: 0.5, top: 0.75, right: 5.25, bottom: 3.5)
        let bilinear: [UInt8] = [81, 110, 147, 143, 87, 124, 147, 124, 97, 112, 149, 155, 89, 123, 160, 165, 95, 130]
        let bicubic: [UInt8] = [72, 110, 150, 151, 78, 119, 148, 124, 93, 115, 153, 156, 81, 123, 164, 169, 91, 131]
        let columnsFirst: [UInt8] = [
            104, 141, 120, 90, 131, 147, 98, 117, 158, 126, 103, 141,
            123, 88, 128, 151, 113, 115, 159, 130, 101, 145, 128, 91,
        ]
        #expect(try ramp.resized(width: 3, height: 2, filter: .bilinear, box: box).pixels == bilinear)
        #expect(try ramp.resized(width: 3, height: 2, filter: .bicubic, box: box).pixels == bicubic)
        #expect(try ramp.resized(width: 8, height: 1, filter: .bicubic).pixels == columnsFirst)
    }

    @Test func aResizeToTheSameSizeChangesNothing() throws {
        let image = randomImage(13, 9)
        #expect(try image.resized(width: 13, height: 9, filter: .bicubic) == image)
    }

    @Test(arguments: [ResizeFilter.bilinear, .bicubic])
    func oneColourStaysThatColour(filter: ResizeFilter) throws {
        let image = try RGBImage(width: 50, height: 3, pixels: [UInt8](repeating: 201, count: 450))
        for (width, height) in [(1, 1), (7, 90), (200, 2)] {
            let resized = try image.resized(width: width, height: height, filter: filter)
            #expect(resized.pixels.allSatisfy { $0 == 201 })
        }
    }

    @Test func impossibleResizesAndCropsAreErrors() {
        let image = randomImage(4, 4)
        expectError(.invalidArgument) { _ = try image.resized(width: 0, height: 4, filter: .bilinear) }
        let outside = PixelBox(left: 0, top: 0, right: 4.5, bottom: 4)
        expectError(.invalidArgument) { _ = try image.resized(width: 2, height: 2, filter: .bilinear, box: outside) }
        let empty = PixelBox(left: 2, top: 0, right: 2, bottom: 4)
        expectError(.invalidArgument) { _ = try image.resized(width: 2, height: 2, filter: .bilinear, box: empty) }
        expectError(.invalidArgument) { _ = try image.cropped(to: PixelRect(left: 1, top: 0, width: 4, height: 4)) }
        expectError(.invalidArgument) { _ = try image.resized(width: .max, height: 1, filter: .bilinear) }
        expectError(.invalidArgument) {
            _ = try image.cropped(to: PixelRect(left: 1, top: 0, width: .max, height: 4))
        }
        expectError(.invalidArgument) { _ = try image.cropped(to: PixelRect(left: 0, top: 0, width: 0, height: 4)) }
    }

    @Test func cropAndFlipMovePixels() throws {
        let image = try RGBImage(width: 3, height: 2, pixels: (0..<18).map { UInt8($0) })
        let cropped = try image.cropped(to: PixelRect(left: 1, top: 1, width: 2, height: 1))
        #expect(cropped.pixels == [12, 13, 14, 15, 16, 17])
        #expect(cropped.flippedHorizontally().pixels == [15, 16, 17, 12, 13, 14])
        #expect(image.flippedHorizontally().flippedHorizontally() == image)
    }

    @Test func normalisationIsPlanar() throws {
        let image = try RGBImage(width: 2, height: 1, pixels: [0, 51, 255, 255, 102, 0])
        let plain = try Normalization(mean: SIMD3(0, 0.2, 0.5), deviation: SIMD3(1, 0.5, 0.25))
        #expect(image.normalized(plain) == [0, 1, 0, (0.4 as Float - 0.2) / 0.5, 2, -2])
        expectError(.invalidArgument) { _ = try Normalization(mean: SIMD3(), deviation: SIMD3(1, 0, 1)) }
        expectError(.invalidArgument) { _ = try Normalization(mean: SIMD3(.nan, 0, 0), deviation: SIMD3(1, 1, 1)) }
    }

    @Test func sizesThatNoImageHasAreErrors() throws {
        let image = randomImage(5, 4)
        for size in [0, -1, 65537, .max, .min] {
            let error = expectError(.invalidArgument) { _ = try image.seenInEvaluation(size: size) }
            #expect(error?.message == "a target of \(size) x \(size) pixels")
        }
        let folder = try TemporaryFolder()
        let mask = try Mask(
            path: folder.write(
                "mask.png", RGBImage(width: 2, height: 1, pixels: [0, 0, 0, 255, 255, 255]).pngData()))
        #expect(try mask.scaled(width: 4, height: 1) == [0, 0, 1, 1])
        expectError(.invalidArgument) { _ = try mask.scaled(width: -1, height: 1) }
        expectError(.invalidArgument) { _ = try mask.scaled(width: 1, height: .max) }
    }
}
