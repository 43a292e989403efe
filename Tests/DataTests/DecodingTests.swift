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
                == "\(empty): the file is empty. Replace or remove the file, or convert it to PNG, JPEG or TIFF.")
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

    @Test func limitsInWords() throws {
        #expect(try ImageDecoder.Limits("20000,400000000") == .init(side: 20000, pixels: 400_000_000))
        for text in ["", "5", "5,", "0,1", "1,-1", "1,2,3", "4294967296,1", "a,b", "99999999999999999999,1"] {
            expectError(.invalidArgument) { _ = try ImageDecoder.Limits(text) }
        }
        let decoder = try ImageDecoder(window: IntensityWindow(low: 0, high: 1)).limited(to: .init(side: 3, pixels: 9))
        #expect(decoder.limits.side == 3 && decoder.window != nil && decoder.limited(to: nil).limits.side == 3)
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

    // MARK: Files that take more than an image does

    /// A file without content that claims a terabyte, and a pipe that nobody writes to.
    @Test(.timeLimit(.minutes(1))) func filesThatAreNoImagesAreNotReadWhole() throws {
        let folder = try TemporaryFolder()
        let sparse = try folder.write("a/sparse.png", [])
        guard truncate(sparse, 1 << 40) == 0 else { return }  // not all file systems have files as large
        let error = expectError(.fileTooLarge) { _ = try ImageDecoder().decode(path: sparse) }
        #expect(
            error?.description == "\(sparse): has 1099511627776 bytes, and files of up to 1073741824 are read. "
                + "Remove the file, or store the image in fewer bytes.")
        let pipe = "\(folder.path)/a/pipe.png"
        #expect(mkfifo(pipe, 0o600) == 0)
        let refusal = expectError(.fileUnreadable) { _ = try ImageDecoder().decode(path: pipe) }
        #expect(refusal?.message == "cannot be read: Invalid argument")
        try folder.write("a/good.png", randomImage(9, 9).pngData())
        let loader = try ImageLoader(
            folder: ImageFolder(root: folder.path), batchSize: 1, imageSize: 8, augmentation: .evaluation, seed: 0,
            skipUnreadable: true)
        #expect(loader.items.count == 1 && loader.skipped.map(\.path) == [pipe, sparse])
    }

    @Test func limitsThatAllowEverythingAreLimits() throws {
        let png = try withSize(of: SampleImage.named("PNG RGB 8-bit").file, Int(Int32.max))
        let decoder = ImageDecoder(limits: .init(side: .max, pixels: .max))
        let error = expectError(.imageTooLarge) { _ = try decoder.decode(png) }
        #expect(
            error?.message == "2147483647 x 2147483647 pixels exceed the limits of \(Int.max) per side "
                + "and 2147483648 in all")
    }

    #if os(Linux)
        /// A hundred compressed texts of 7.9 MB each, in a file of 5 MB.
        @Test func textsInsideOfAnImageTakeNoMemory() async throws {
            let sample = try SampleImage.named("PNG RGB 8-bit")
            let text = chunk("zTXt", Array("k".utf8) + [0, 0] + compressedZeros(7_900_000))
            let file = sample.file[..<33] + (0..<100).flatMap { _ in text } + sample.file[33...]
            let folder = try TemporaryFolder(), path = try folder.write("texts.png", Array(file))
            #expect(try ImageDecoder().decode(path: path).pixels == sample.pixels)
            await #expect(processExitsWith: .success) { [path = path as String] in
                _ = try ImageDecoder().decode(path: path)
                let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
                let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
                let kilobytes = peak.flatMap { Int($0.split(separator: " ")[1]) }
                #expect(try #require(kilobytes) < 300_000)
            }
        }
    #endif

    private func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(kind.utf8) + content
        return bigEndian(UInt32(content.count)) + body + bigEndian(crc32(body[...]))
    }

    private func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    /// A zlib stream of zeros: some, and repetitions of the last 258 of them (RFC 1950 and 1951, fixed codes).
    private func compressedZeros(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x78, 0x01], bits = 0, used = 0
        func add(_ code: Int, _ width: Int, reversed: Bool = true) {
            for place in 0..<width {
                bits |= (code >> (reversed ? width - 1 - place : place) & 1) << used
                used += 1
                if used == 8 {
                    bytes.append(UInt8(bits))
                    (bits, used) = (0, 0)
                }
            }
        }
        add(1, 1)
        add(1, 2, reversed: false)
        // Literals below 144 have 8 bits from 0x30 on; length 258 is 285, of 8 bits from 0xC0 for 280 on.
        for _ in 0..<1 + (count - 1) % 258 { add(0x30, 8) }
        for _ in 0..<(count - 1) / 258 {
            add(0xC5, 8)
            add(0, 5)
        }
        add(0, 7)
        if used > 0 { bytes.append(UInt8(bits)) }
        return bytes + bigEndian(UInt32(count % 65521) << 16 | 1)
    }
}
