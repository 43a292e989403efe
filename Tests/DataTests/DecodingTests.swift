import ApusData
import Foundation
import Testing

@Suite struct DecodingTests {
    @Test(arguments: SampleImage.all)
    func everyKindDecodesToPillowsPixels(sample: SampleImage) throws {
        let image = try ImageDecoder().decode(sample.file)
        #expect(image.width == sample.width && image.height == sample.height)
        #expect(image.pixels == sample.pixels)
    }

    @Test(arguments: SampleImage.all)
    func aFileThatEndsTooEarlyIsAnError(sample: SampleImage) {
        for length in 0..<sample.file.count {
            let error = #expect(throws: DataError.self, "\(length) bytes") {
                _ = try ImageDecoder().decode(Array(sample.file.prefix(length)))
            }
            #expect(error?.code == (length < sample.signatureLength ? .unknownFormat : .corruptImage))
        }
    }

    @Test(arguments: SampleImage.all)
    func damagedBytesNeverCrash(sample: SampleImage) {
        var random = CounterRandom(seed: 1, purpose: .init(rawValue: 100))
        let decoder = ImageDecoder(limits: .init(side: 4096, pixels: 1 << 22))
        for _ in 0..<100 {
            var file = sample.file
            for _ in 0..<1 + random.integer(below: 4) {
                file[random.integer(below: file.count)] = UInt8(random.integer(below: 256))
            }
            // Either outcome is fine; what counts is that there is one, and that it is whole.
            if let image = try? decoder.decode(file) { #expect(image.pixels.count == 3 * image.width * image.height) }
        }
    }

    @Test func theFormatIsToldFromTheBytesNotTheName() throws {
        let folder = try TemporaryFolder()
        let png = try SampleImage.named("PNG RGB 8-bit")
        let path = try folder.write("picture.jpg", png.file)
        #expect(try ImageDecoder().decode(path: path).pixels == png.pixels)
    }

    @Test func unreadableFilesAreNamed() throws {
        let folder = try TemporaryFolder()
        let empty = try folder.write("empty.png", [])
        let garbage = try folder.write("garbage.jpg", [UInt8](repeating: 0x5A, count: 300))
        let decoder = ImageDecoder()
        let emptyError = expectError(.unknownFormat) { _ = try decoder.decode(path: empty) }
        #expect(
            emptyError?.description
                == "\(empty): the file is empty. Replace or remove the file, or convert it to PNG or JPEG.")
        let garbageError = expectError(.unknownFormat) { _ = try decoder.decode(path: garbage) }
        #expect(garbageError?.path == garbage)
        let missing = expectError(.fileUnreadable) { _ = try decoder.decode(path: "\(folder.path)/missing.png") }
        #expect(missing?.message == "cannot be read: No such file or directory")
        expectError(.fileUnreadable) { _ = try decoder.decode(path: folder.path) }
    }

    @Test func sizesAreCheckedBeforeMemoryIsTaken() throws {
        // 65 000 x 65 000 pixels would take 12 GB: only the header can have been looked at.
        let png = try withSize(of: SampleImage.named("PNG RGB 8-bit").file, 65_000)
        let jpeg = try withSize(of: SampleImage.named("JPEG 4:2:0").file, 65_000)
        for file in [png, jpeg] {
            let error = expectError(.imageTooLarge) { _ = try ImageDecoder().decode(file) }
            #expect(
                error?.message == "65000 x 65000 pixels exceed the limits of 16384 per side and 134217728 in all")
        }
    }

    @Test func limitsAreInclusive() throws {
        let sample = try SampleImage.named("PNG grey 8-bit")
        #expect(throws: Never.self) {
            try ImageDecoder(limits: .init(side: 6, pixels: 30)).decode(sample.file)
        }
        expectError(.imageTooLarge) { _ = try ImageDecoder(limits: .init(side: 5, pixels: 30)).decode(sample.file) }
        expectError(.imageTooLarge) { _ = try ImageDecoder(limits: .init(side: 6, pixels: 29)).decode(sample.file) }
    }

    @Test func strayBytesAfterTheImageDoNoHarm() throws {
        for name in ["PNG RGB 8-bit", "JPEG 4:4:4"] {
            let sample = try SampleImage.named(name)
            #expect(try ImageDecoder().decode(sample.file + [1, 2, 3, 4]).pixels == sample.pixels)
        }
    }

    /// The file with a header that announces `side` x `side` pixels.
    private func withSize(of file: [UInt8], _ side: Int) throws -> [UInt8] {
        var file = file
        if file[0] == 0x89 {
            let size = withUnsafeBytes(of: UInt32(side).bigEndian) { Array($0) }
            file.replaceSubrange(16..<24, with: size + size)
            file.replaceSubrange(29..<33, with: withUnsafeBytes(of: crc32(file[12..<29]).bigEndian) { Array($0) })
        } else {
            let marker = try #require(file.indices.first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
            let size = [UInt8(side >> 8), UInt8(side & 255)]
            file.replaceSubrange(marker + 5..<marker + 9, with: size + size)
        }
        return file
    }

    /// The checksum of PNG chunks.
    private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }
}
