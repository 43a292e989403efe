import ApusData
import Foundation
import Testing

@Suite struct DICOMTests {
    /// 4 x 2 numbers of 12 bits.
    private let samples: [UInt16] = [0, 1, 2, 4095, 2048, 100, 1064, 3000]

    /// A window of 400 around 40 as PS3.3, C.11.2.1.2.1, computes it, of intensities that are 1024 less than samples.
    private let levels: [UInt8] = [0, 0, 0, 255, 255, 0, 128, 255]

    private let hounsfield: [DICOMFile.Element] = [
        .text(0x0028_1050, "DS", "40\\500"), .text(0x0028_1051, "DS", "400 \\2000"),
        .text(0x0028_1052, "DS", "-1024"), .text(0x0028_1053, "DS", "1"),
    ]

    private func scan(_ extra: [DICOMFile.Element] = []) -> DICOMFile {
        DICOMFile(grey: samples, width: 4, height: 2, stored: 12, extra)
    }

    private func grey(_ file: [UInt8], window: IntensityWindow? = nil) throws -> [UInt8] {
        let pixels = try ImageDecoder(window: window).decode(file).pixels
        let grey = stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] }
        #expect(pixels == grey.flatMap { [$0, $0, $0] })
        return grey
    }

    @Test func theHeadersFirstWindowIsSeen() throws {
        let file = scan(hounsfield)
        for isExplicit in [true, false] { #expect(try grey(file.bytes(isExplicit: isExplicit)) == levels) }
    }

    @Test func aWindowOfTheUsersIsInRescaledNumbers() throws {
        // (100 - 1024 + 1024) / 4095 and so on, in 255 steps.
        let window = try IntensityWindow(low: -1024, high: 3071)
        let expected = samples.map { UInt8((Double($0) / 4095 * 255).rounded()) }
        #expect(try grey(scan(hounsfield).bytes(), window: window) == expected)
    }

    @Test func withoutAWindowTheWholeRangeIsSeen() throws {
        #expect(try grey(scan().bytes()) == samples.map { UInt8((Double($0) / 4095 * 255).rounded()) })
        let small = DICOMFile(grey: [100, 200, 300, 150], width: 2, height: 2, stored: 12, [])
        #expect(try grey(small.bytes()) == [0, 128, 255, 64])
        let bytes = DICOMFile(grey: [100, 200, 255, 0], width: 2, height: 2, stored: 8, allocated: 8, [])
        #expect(try grey(bytes.bytes()) == [100, 200, 255, 0])
        #expect(try grey(DICOMFile(grey: [7, 7], width: 2, height: 1, stored: 12, []).bytes()) == [0, 0])
    }

    @Test func otherWindowFunctions() throws {
        let extra: [DICOMFile.Element] = [.text(0x0028_1050, "DS", "2"), .text(0x0028_1051, "DS", "4")]
        func levels(_ function: String) throws -> [UInt8] {
            let file = DICOMFile(
                grey: [0, 1, 2, 3, 4], width: 5, height: 1, stored: 12,
                extra + [.text(0x0028_1056, "CS", function)])
            return try grey(file.bytes())
        }
        #expect(try levels("LINEAR") == [0, 85, 170, 255, 255])
        #expect(try levels("LINEAR_EXACT") == [0, 64, 128, 191, 255])
        #expect(try levels("SIGMOID") == [30, 69, 128, 186, 225])
    }

    @Test func withoutAWindowATableOfValuesOfInterestIsSeen() throws {
        // Entries of 10 bits for -24, -23, … 175, of which each second is black.
        let entries = (0..<200).map { UInt16($0 % 2 == 0 ? 0 : 5 * $0) }
        let rescale: [DICOMFile.Element] = [.text(0x0028_1052, "DS", "-1024"), .text(0x0028_1053, "DS", "1")]
        let scan = DICOMFile(
            grey: [0, 1000, 1001, 1002, 1023, 1199, 1200, 2047], width: 4, height: 2, stored: 12, rescale)
        let expected = [0, 0, 5, 0, 115, 995, 995, 995].map { UInt8((255.0 * $0 / 1023).rounded()) }
        for isExplicit in [true, false] {
            for isDelimited in [true, false] {
                // Whether the first intensity is signed is said by the descriptor, or by the samples.
                let table = DICOMFile.Table(
                    first: UInt16(bitPattern: -24), kind: "SS", bits: 10, entries: entries, isDelimited: isDelimited)
                let file = isExplicit ? scan : scan.adding([.number(0x0028_0103, 1)])
                #expect(try grey(file.bytes(isExplicit: isExplicit, table: table)) == expected)
            }
        }
        // The window comes first, also that of the user.
        let table = DICOMFile.Table(first: 0, kind: "US", bits: 16, entries: [0, 65535], isDelimited: true)
        #expect(try grey(self.scan(hounsfield).bytes(table: table)) == levels)
        #expect(try grey(self.scan().bytes(table: table)) == [0, 255, 255, 255, 255, 255, 255, 255])
        #expect(try grey(self.scan().bytes(table: table), window: IntensityWindow(low: 0, high: 4095))[4] == 128)
    }

    @Test func filesWithoutPreamble() throws {
        for isExplicit in [true, false] {
            let whole = scan(hounsfield).bytes(isExplicit: isExplicit)
            // The meta information is one element of 8 + 20 bytes, or 8 + 18.
            #expect(try grey(Array(whole.dropFirst(132))) == levels)
            #expect(try grey(Array(whole.dropFirst(132 + (isExplicit ? 28 : 26)))) == levels)
        }
    }

    @Test func smallNumbersOfMonochrome1AreWhite() throws {
        let file = scan(hounsfield + [.text(0x0028_0004, "CS", "MONOCHROME1")])
        #expect(try grey(file.bytes()) == levels.map { 255 - $0 })
    }

    @Test func signedNumbersAndHighBits() throws {
        let signed = DICOMFile(
            grey: [0xFFF, 0x800, 0, 0x7FF], width: 2, height: 2, stored: 12, [.number(0x0028_0103, 1)])
        let window = try IntensityWindow(low: -2048, high: 2047)
        #expect(try grey(signed.bytes(), window: window) == [127, 0, 128, 255])
        let shifted = DICOMFile(
            grey: samples.map { $0 << 4 | 5 }, width: 4, height: 2, stored: 12, hounsfield + [.number(0x0028_0102, 15)])
        #expect(try grey(shifted.bytes()) == levels)
    }

    @Test func coloursOfAPixelAndOfPlanes() throws {
        let image = randomImage(4, 3)
        let planes = (0..<3).flatMap { channel in (0..<12).map { image.pixels[3 * $0 + channel] } }
        #expect(try ImageDecoder().decode(DICOMFile(rgb: image.pixels, width: 4, height: 3).bytes()) == image)
        let file = DICOMFile(rgb: planes, width: 4, height: 3, [.number(0x0028_0006, 1)])
        #expect(try ImageDecoder().decode(file.bytes()) == image)
        // Red, green and blue in the numbers of JFIF, which YBR_FULL has too.
        let ybr = DICOMFile(
            rgb: [76, 85, 255, 150, 44, 21, 29, 255, 107], width: 3, height: 1, [.text(0x0028_0004, "CS", "YBR_FULL")])
        #expect(try ImageDecoder().decode(ybr.bytes()).pixels == [254, 0, 0, 0, 255, 1, 0, 0, 254])
    }

    @Test func compressedPixels() throws {
        let lossless = bytes(
            "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALDAACAAQBAREA/8QAFwAAAwEAAAAAAAAAAAAAAAAAAQsMCv/aAAgBAQABAACf/Jv/AGgAQx7xHyH/2Q=="
        )
        for syntax in ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"] {
            #expect(try grey(scan(hounsfield).bytes(syntax: syntax, fragments: [lossless])) == levels)
            let halves = [Array(lossless.prefix(40)), Array(lossless.dropFirst(40))]
            #expect(try grey(scan(hounsfield).bytes(syntax: syntax, fragments: halves)) == levels)
        }
        // High bytes as repetitions and literals, low bytes as literals.
        let high: [UInt8] = [0xFE, 0, 4, 0x0F, 0x08, 0, 0x04, 0x0B],
            low: [UInt8] = [7, 0, 1, 2, 0xFF, 0, 100, 0x28, 0xB8]
        let header = [2, 64, 64 + 8].flatMap { withUnsafeBytes(of: UInt32($0).littleEndian) { Array($0) } }
        let runs = header + [UInt8](repeating: 0, count: 64 - header.count) + high + low
        #expect(
            try grey(scan(hounsfield).bytes(syntax: "1.2.840.10008.1.2.5", fragments: [runs])) == levels)
        let jpeg = try SampleImage.named("JPEG 4:2:0")
        let colors = DICOMFile(
            rgb: [], width: jpeg.width, height: jpeg.height, [.text(0x0028_0004, "CS", "YBR_FULL_422")])
        let decoded = try ImageDecoder().decode(
            colors.bytes(syntax: "1.2.840.10008.1.2.4.50", fragments: [jpeg.file]))
        #expect(decoded.pixels == jpeg.pixels)
    }

    @Test func whatIsNotReadIsNamed() throws {
        func refusal(_ extra: [DICOMFile.Element], syntax: String? = nil) -> String? {
            expectError(.unsupportedImage) {
                _ = try ImageDecoder().decode(
                    scan(extra).bytes(syntax: syntax, fragments: syntax == nil ? nil : [[0, 0]]))
            }?.message
        }
        #expect(refusal([.text(0x0028_0008, "IS", "12")]) == "a DICOM image of several frames, which is not read")
        #expect(
            refusal([], syntax: "1.2.840.10008.1.2.4.90")
                == "a DICOM image in JPEG 2000 (transfer syntax 1.2.840.10008.1.2.4.90), which is not read")
        #expect(
            refusal([], syntax: "1.2.840.10008.1.2.4.80")
                == "a DICOM image in JPEG-LS (transfer syntax 1.2.840.10008.1.2.4.80), which is not read")
        #expect(refusal([], syntax: "1.2.840.10008.1.2.2")?.contains("big-endian") == true)
        #expect(
            refusal([.text(0x0028_0004, "CS", "PALETTE COLOR")])
                == "a DICOM image of 1 samples a pixel in PALETTE COLOR, which is not read")
        #expect(refusal([.number(0x0028_0100, 32)]) == "a DICOM image with samples of 32 bits, which is not read")
        let error = expectError(.noIntensities) {
            _ = try ImageDecoder(window: IntensityWindow(low: 0, high: 1))
                .decode(DICOMFile(rgb: [1, 2, 3], width: 1, height: 1).bytes())
        }
        #expect(error?.code == .noIntensities)
    }

    @Test func sizesAreCheckedBeforeMemoryIsTaken() {
        let file = DICOMFile(grey: [0], width: 65535, height: 65535, stored: 12, [])
        expectError(.imageTooLarge) { _ = try ImageDecoder().decode(file.bytes()) }
        expectError(.corruptImage) {
            _ = try ImageDecoder().decode(DICOMFile(grey: [0], width: 900, height: 900, stored: 12, []).bytes())
        }
    }

    @Test func damagedFilesAreErrors() throws {
        let whole = scan(hounsfield).bytes(),
            runs = scan().bytes(syntax: "1.2.840.10008.1.2.5", fragments: [[2, 0, 0, 0]])
        for length in 0..<whole.count {
            let error = #expect(throws: DataError.self) { _ = try ImageDecoder().decode(Array(whole.prefix(length))) }
            #expect([.corruptImage, .unsupportedImage, .unknownFormat].contains(error?.code))
        }
        expectError(.corruptImage) { _ = try ImageDecoder().decode(runs) }
        var random = CounterRandom(seed: 3, purpose: .init(rawValue: 100))
        for _ in 0..<500 {
            var file = whole
            for _ in 0..<1 + random.integer(below: 4) {
                file[128 + random.integer(below: file.count - 128)] = UInt8(random.integer(below: 256))
            }
            if let image = try? ImageDecoder(limits: .init(side: 4096, pixels: 1 << 22)).decode(file) {
                #expect(image.pixels.count == 3 * image.width * image.height)
            }
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(Data(base64Encoded: text)!) }
}

/// Writes DICOM files, with a sequence of undefined length in front of the image.
struct DICOMFile {
    struct Element {
        let tag: UInt32, kind: String, value: [UInt8]

        static func text(_ tag: UInt32, _ kind: String, _ text: String) -> Element {
            Element(tag: tag, kind: kind, value: Array((text.utf8.count % 2 == 0 ? text : text + " ").utf8))
        }

        static func number(_ tag: UInt32, _ number: Int) -> Element {
            Element(tag: tag, kind: "US", value: [UInt8(number & 255), UInt8(number >> 8)])
        }
    }

    private var elements: [UInt32: Element] = [:]
    private let pixels: [UInt8]

    init(
        grey samples: [UInt16], width: Int, height: Int, stored: Int, allocated: Int = 16, _ extra: [Element]
    ) {
        pixels = samples.flatMap { allocated == 8 ? [UInt8($0)] : [UInt8($0 & 255), UInt8($0 >> 8)] }
        add([
            .number(0x0028_0002, 1), .text(0x0028_0004, "CS", "MONOCHROME2"), .number(0x0028_0010, height),
            .number(0x0028_0011, width), .number(0x0028_0100, allocated), .number(0x0028_0101, stored),
            .number(0x0028_0102, stored - 1), .number(0x0028_0103, 0),
        ])
        add(extra)
    }

    init(rgb: [UInt8], width: Int, height: Int, _ extra: [Element] = []) {
        self.init(grey: rgb.map { UInt16($0) }, width: width, height: height, stored: 8, allocated: 8, [])
        add([.number(0x0028_0002, 3), .text(0x0028_0004, "CS", "RGB"), .number(0x0028_0006, 0)] + extra)
    }

    private mutating func add(_ extra: [Element]) {
        for element in extra { elements[element.tag] = element }
    }

    func adding(_ extra: [Element]) -> DICOMFile {
        var file = self
        file.add(extra)
        return file
    }

    /// A table of values of interest.
    struct Table {
        let first: UInt16, kind: String, bits: Int, entries: [UInt16]
        /// Whether sequence and item have an end in place of a length.
        let isDelimited: Bool
    }

    /// The file; with fragments the pixel data are those.
    func bytes(isExplicit: Bool = true, syntax: String? = nil, fragments: [[UInt8]]? = nil, table: Table? = nil)
        -> [UInt8]
    {
        func number(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }
        func tag(_ tag: UInt32) -> [UInt8] { number(Int(tag >> 16), 2) + number(Int(tag & 0xFFFF), 2) }
        func encoded(_ element: Element, isExplicit: Bool) -> [UInt8] {
            tag(element.tag)
                + (isExplicit
                    ? Array(element.kind.utf8) + number(element.value.count, 2) : number(element.value.count, 4))
                + element.value
        }
        func long(_ id: UInt32, _ kind: String, _ length: Int) -> [UInt8] {
            tag(id) + (isExplicit ? Array(kind.utf8) + [0, 0] : []) + number(length, 4)
        }
        let uid = syntax ?? (isExplicit ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2")
        var file = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
        file += encoded(
            Element(tag: 0x0002_0010, kind: "UI", value: Array(uid.utf8) + (uid.utf8.count % 2 == 0 ? [] : [0])),
            isExplicit: true)
        let undefined = 0xFFFF_FFFF
        file += encoded(.text(0x0008_0008, "CS", "ORIGINAL"), isExplicit: isExplicit)
        file += long(0x0008_1140, "SQ", undefined) + tag(0xFFFE_E000) + number(undefined, 4)
        file += encoded(.number(0x0028_0010, 77), isExplicit: isExplicit)
        file += tag(0xFFFE_E00D) + number(0, 4) + tag(0xFFFE_E0DD) + number(0, 4)
        for (_, element) in elements.sorted(by: { $0.key < $1.key }) {
            file += encoded(element, isExplicit: isExplicit)
        }
        if let table {
            let count = number(table.entries.count, 2), first = number(Int(table.first), 2)
            let item =
                encoded(
                    Element(tag: 0x0028_3002, kind: table.kind, value: count + first + number(table.bits, 2)),
                    isExplicit: isExplicit)
                + encoded(.text(0x0028_3003, "LO", "its name"), isExplicit: isExplicit)
                + long(0x0028_3006, "OW", 2 * table.entries.count) + table.entries.flatMap { number(Int($0), 2) }
            let isDelimited = table.isDelimited
            file += long(0x0028_3010, "SQ", isDelimited ? undefined : item.count + 8)
            file += tag(0xFFFE_E000) + number(isDelimited ? undefined : item.count, 4) + item
            if isDelimited { file += tag(0xFFFE_E00D) + number(0, 4) + tag(0xFFFE_E0DD) + number(0, 4) }
        }
        guard let fragments else { return file + long(0x7FE0_0010, "OW", pixels.count) + pixels }
        file += long(0x7FE0_0010, "OB", undefined) + tag(0xFFFE_E000) + number(0, 4)
        for fragment in fragments { file += tag(0xFFFE_E000) + number(fragment.count, 4) + fragment }
        return file + tag(0xFFFE_E0DD) + number(0, 4)
    }
}
