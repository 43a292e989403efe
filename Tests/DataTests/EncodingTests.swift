import ApusData
import Foundation
import Testing

@Suite struct EncodingTests {
    @Test func whatIsWrittenIsReadBack() throws {
        let folder = try TemporaryFolder()
        for (width, height) in [(1, 1), (7, 3), (64, 65)] {
            let image = randomImage(width, height)
            let path = "\(folder.path)/image.png"
            try image.writePNG(to: path)
            #expect(try ImageDecoder().decode(path: path) == image)
            #expect(try image.pngData() == image.pngData())
        }
        #expect(try folder.content() == ["image.png"])
    }

    @Test func greyIsReadBackAsEqualChannels() throws {
        let grey = try GreyImage(width: 3, height: 2, pixels: [0, 1, 127, 128, 254, 255])
        let image = try ImageDecoder().decode(grey.pngData())
        #expect(image.pixels == grey.pixels.flatMap { [$0, $0, $0] })
    }

    @Test func aFolderThatIsMissingIsSaidAndLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/missing/image.png"
        let error = expectError(.fileUnwritable) { try randomImage(2, 2).writePNG(to: path) }
        #expect(error?.path == path)
        #expect(error?.message == "cannot be written: No such file or directory")
        #expect(try folder.content() == [])
    }

    @Test func aTargetThatCannotBeReplacedLeavesNoPartialFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("image.png/inside", [1])
        expectError(.fileUnwritable) { try randomImage(2, 2).writePNG(to: "\(folder.path)/image.png") }
        #expect(try folder.content() == ["image.png", "image.png/inside"])
    }

    @Test func pixelsHaveToFitTheSize() {
        expectError(.invalidArgument) { _ = try RGBImage(width: 2, height: 2, pixels: [1, 2, 3]) }
        expectError(.invalidArgument) { _ = try RGBImage(width: .max, height: .max, pixels: []) }
        expectError(.invalidArgument) { _ = try RGBImage(width: 0, height: 2, pixels: []) }
        expectError(.invalidArgument) { _ = try GreyImage(width: 2, height: 2, pixels: [1, 2, 3]) }
    }
}
