import ApusData
import Foundation
import Testing

/// What is beside the pixels of single formats.
@Suite struct FormatTests {
    @Test(arguments: [
        ("GIF89a", "a GIF image, which is not read"), ("%PDF-1.4", "a PDF document, which is not read"),
        ("version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS, not the file itself, which is not read"),
        ("neither", "no image in PNG, JPEG, TIFF, BMP, WebP or DICOM"),
    ])
    func otherFilesAreNamed(text: String, message: String) {
        let error = expectError(.unknownFormat) { _ = try ImageDecoder().decode(Array(text.utf8)) }
        #expect(error?.message == message)
    }

    /// Sound files, and files whose headers were changed, of kinds that are not read.
    @Test func kindsThatAreNotReadAreNamed() throws {
        func changed(_ name: String, _ change: (inout [UInt8]) throws -> Void) throws -> [UInt8] {
            var file = try SampleImage.named(name).file
            try change(&file)
            return file
        }
        func frame(_ file: [UInt8]) throws -> Int {
            try #require(file.indices.first { file[$0] == 0xFF && (0xC0...0xC3).contains(file[$0 + 1]) })
        }
        let files: [([UInt8], String)] = try [
            (changed("JPEG 4:2:0") { $0[try frame($0) + 4] = 12 }, "a JPEG image of 12 bits a sample"),
            (changed("JPEG 4:2:0") { $0[try frame($0) + 1] = 0xC5 }, "a hierarchical JPEG image"),
            (
                changed("JPEG lossless grey") { $0[try frame($0) + 1] = 0xCB },
                "a lossless JPEG image with arithmetic coding"
            ),
            (
                changed("JPEG lossless grey") { $0[try frame($0) + 4] = 12 },
                "a lossless JPEG image of 12 bits and 1 components"
            ),
            (changed("BMP 24 bits") { $0[30] = 1 }, "a BMP image with run-length compression"),
            (changed("BMP 24 bits") { $0[28] = 16 }, "a BMP image of 16 bits a pixel, kind 0"),
            (Self.file(Self.pages), "a TIFF file of several pages"),
            (Self.file(Self.floats), "a TIFF image of floating-point numbers of 32 bits"),
            (Self.file(Self.film), "an animated WebP image"),
        ]
        for (file, kind) in files {
            let error = expectError(.unsupportedImage) { _ = try ImageDecoder().decode(file) }
            #expect(error?.message == "\(kind), which is not read")
        }
    }

    @Test func allBitsOfA16BitTIFFCountInAWindow() throws {
        let decoder = try ImageDecoder(window: IntensityWindow(low: -100, high: 100))
        let plain = try SampleImage.named("TIFF grey 16-bit"),
            signed = try SampleImage.named("TIFF grey 16-bit, signed")
        let narrow = try IntensityWindow(low: -32768, high: 32767)
        #expect(try ImageDecoder(window: narrow).decode(plain.file) == ImageDecoder(window: narrow).decode(signed.file))
        #expect(try decoder.decode(plain.file) == decoder.decode(signed.file))
        #expect(throws: Never.self) { try decoder.decode(SampleImage.named("JPEG lossless grey 16-bit").file) }
        expectError(.noIntensities) { _ = try decoder.decode(SampleImage.named("TIFF RGB LZW").file) }
    }

    @Test(arguments: ["TIFF RGB LZW", "TIFF tiles", "WebP", "BMP 24 bits", "JPEG lossless grey"])
    func allFormatsAreHeldToTheLimits(name: String) throws {
        let sample = try SampleImage.named(name)
        let side = max(sample.width, sample.height)
        #expect(throws: Never.self) { try ImageDecoder(limits: .init(side: max(16, side))).decode(sample.file) }
        expectError(.imageTooLarge) { _ = try ImageDecoder(limits: .init(side: side - 1)).decode(sample.file) }
        expectError(.imageTooLarge) {
            _ = try ImageDecoder(limits: .init(pixels: sample.width * sample.height - 1)).decode(sample.file)
        }
    }

    /// 65 535 x 65 535 pixels that no memory is taken for.
    @Test func largeSizesAreRefusedByTheHeader() throws {
        var bmp = try SampleImage.named("BMP 24 bits").file
        bmp.replaceSubrange(18..<26, with: [0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0])
        expectError(.imageTooLarge) { _ = try ImageDecoder().decode(bmp) }
        bmp.replaceSubrange(18..<26, with: [0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0x80])
        expectError(.imageTooLarge) { _ = try ImageDecoder(limits: .init(side: .max)).decode(bmp) }
        bmp.replaceSubrange(18..<22, with: [0xFF, 0xFF, 0xFF, 0xFF])
        expectError(.corruptImage) { _ = try ImageDecoder().decode(bmp) }
    }

    @Test func masksOfOtherFormatsAreRead() throws {
        let folder = try TemporaryFolder()
        for name in ["TIFF 1 bit, group 4", "BMP 1 bit"] {
            let sample = try SampleImage.named(name)
            let mask = try Mask(path: folder.write("\(name).tif", sample.file))
            #expect(mask.values == stride(from: 0, to: sample.pixels.count, by: 3).map { sample.pixels[$0] / 255 })
        }
    }

    @Test func foldersListAllFormats() throws {
        let folder = try TemporaryFolder()
        let names = ["a.bmp", "b.dcm", "c.jpeg", "d.jpg", "e.png", "f.TIF", "g.tiff", "h.webp"]
        for name in names + ["i.gif"] { try folder.write("class/\(name)", []) }
        #expect(try ImageFolder(root: folder.path).items.map(\.path) == names.map { "\(folder.path)/class/\($0)" })
    }

    private static func file(_ text: String) -> [UInt8] { Array(Data(base64Encoded: text)!) }

    /// Two pages of 5 x 4 grey levels.
    private static let pages = """
        SUkqAAgAAAAMAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAACAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAAB\
        AAAAsAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAFAAAABoBBQABAAAAngAAABsBBQABAAAApgAAACgBAwABAAAA\
        AQAAANgAAAABAAAAAQAAAAEAAAABAAAAAADHtcUACYBVb+40h1NLzidRHiZHsse1xQAJgFVv7jSHU0vOJ1EeJkeyDAAAAQQAAQAA\
        AAUAAAABAQQAAQAAAAQAAAACAQMAAQAAAAgAAAADAQMAAQAAAAEAAAAGAQMAAQAAAAEAAAARAQQAAQAAAMQAAAAVAQMAAQAAAAEA\
        AAAWAQQAAQAAAAQAAAAXAQQAAQAAABQAAAAaAQUAAQAAAG4BAAAbAQUAAQAAAHYBAAAoAQMAAQAAAAEAAAAAAAAAAQAAAAEAAAAB\
        AAAAAQAAAA==
        """
    /// 5 x 4 numbers.
    private static let floats = """
        SUkqAAgAAAANAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAAIAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAAB\
        AAAAwAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAUAAAABoBBQABAAAAqgAAABsBBQABAAAAsgAAACgBAwABAAAA\
        AQAAAFMBAwABAAAAAwAAAAAAAAABAAAAAQAAAAEAAAABAAAAAAAAAAAAAABHQwAANUMAAEVDAAAAAAAAEEEAAABDAACqQgAA3kIA\
        AG5DAABQQgAAB0MAAKZCAACWQgAATkMAABxCAACiQgAA8EEAABhCAACOQgAAMkM=
        """
    /// Two pictures of 5 x 4 pixels.
    private static let film = """
        UklGRngBAABXRUJQVlA4WAoAAAACAAAABAAAAwAAQU5JTQYAAAAAAAAAAABBTk1GogAAAAAAAAAAAAQAAAMAAAAAAAJWUDggigAA\
        AFABAJ0BKgUABAABQCYlsAAEdAAA/tsPzIIP/b3+mL51go/f3p/5nTr/k2D8Tvmd2zF/md6ZJrrFaKsWKSf/45eP/FSf/8cvH/jB\
        v/45eP/GDf/+wHEdfd+X71/SO6H/g43X+C1b5//U39Kf//x2/+nncY7+Jcy4d//WojWC+f8C/9jKvfyof9aAAEFOTUaiAAAAAAAA\
        AAAABAAAAwAAAAAAAFZQOCCKAAAAVAEAnQEqBQAEAAAAJiWwAAWMAAD+kz4bZP/tf++glCiMpPxO/5/sN/xNz+Tvz/+yd/z/9cko\
        fCpSgJ5lP/5kv3fgLP/8yX7vwR3/5kv3fgjv/9VzHiOH/DeNP6B+//5OTLN/xUevvob94n//5Ff/OXzI/yHCulP/68C7ETX/bP/q\
        xb3+bL/tEAAA
        """
}
