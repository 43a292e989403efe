import ApusData
import Foundation
import Testing

@Suite struct WindowTests {
    /// A grey PNG of 16 bits, 4 x 2, as Pillow writes it: Hounsfield units of -32768, -1024, 0, 1023, 3071, 32767, 232
    /// and -2768.
    private let scan = Array(
        Data(
            base64Encoded: """
                iVBORw0KGgoAAAANSUhEUgAAAAQAAAACEAAAAAAKU/78AAAAGklEQVR4nGNkYKhhYGFg/s/U/b/5P8OLT4YAKfAGnf4vDHMAAAAASUVORK5CYII=
                """)!)

    @Test func aWindowChoosesTheLevels() throws {
        let decoder = try ImageDecoder(window: IntensityWindow(low: -1024, high: 3071))
        let levels: [UInt8] = [0, 0, 64, 127, 255, 255, 78, 0]
        #expect(try decoder.decode(scan).pixels == levels.flatMap { [$0, $0, $0] })
        let narrow = try ImageDecoder(window: IntensityWindow(low: -100, high: 411, offset: 32768))
        #expect(try narrow.decode(scan).pixels[18] == 166)
    }

    @Test func withoutAWindowTheHighByteStays() throws {
        let levels: [UInt8] = [0, 124, 128, 131, 139, 255, 128, 117]
        #expect(try ImageDecoder().decode(scan).pixels == levels.flatMap { [$0, $0, $0] })
    }

    @Test func imagesWithoutIntensitiesAreNamed() throws {
        let folder = try TemporaryFolder()
        let decoder = try ImageDecoder(window: IntensityWindow(low: 0, high: 1))
        for (name, bytes) in [
            ("a.png", try randomImage(3, 3).pngData()), ("b.jpg", try SampleImage.named("JPEG 4:4:4").file),
        ] {
            let path = try folder.write(name, bytes)
            let error = expectError(.noIntensities) { _ = try decoder.decode(path: path) }
            #expect(
                error?.description
                    == "\(path): a window of intensities was given, and this is no grey image of 16 bits or in DICOM. "
                    + "Give the images as they come from the scanner, or train without a window.")
        }
    }

    @Test func aDamagedScanIsAnError() throws {
        let decoder = try ImageDecoder(window: IntensityWindow(low: 0, high: 1))
        for length in 8..<scan.count {
            expectError(.corruptImage) { _ = try decoder.decode(Array(scan.prefix(length))) }
        }
    }

    /// The image is named that training begins with, and not the first one that a thread happens to meet.
    @Test func aLoaderTellsAtOnceThatTheWindowDoesNotFit() throws {
        let folder = try TemporaryFolder()
        for name in ["a/1.png", "b/2.png"] { _ = try folder.write(name, try randomImage(3, 3).pngData()) }
        let images = try ImageFolder(root: folder.path)
        for skips in [false, true] {
            let error = expectError(skips ? .emptyClass : .noIntensities) {
                _ = try ImageLoader(
                    folder: images, batchSize: 1, imageSize: 4, augmentation: .evaluation, seed: 0,
                    skipUnreadable: skips, decoder: ImageDecoder(window: IntensityWindow(low: 0, high: 1)))
            }
            #expect(skips || error?.path == "\(folder.path)/a/1.png")
        }
    }

    @Test(arguments: ["-1024,3071", "-1024, 3071", "-1024,3071@1024", "-0.5,1e3@0"])
    func windowsInWords(text: String) throws {
        let window = try IntensityWindow(text)
        #expect(window.low < 0 && window.high >= 1000)
        #expect(window.offset == (text.contains("@1024") ? 1024 : text.contains("@") ? 0 : 32768))
    }

    @Test(arguments: ["", "1", "1,2,3", "2,1", "1,2@", "1,2@3@4", "a,b", "1;2", "[1,2]", "1,2@x"])
    func wordsThatAreNoWindow(text: String) {
        expectError(.invalidArgument) { _ = try IntensityWindow(text) }
    }

    @Test func windowsAreChecked() {
        let error = expectError(.invalidArgument) { _ = try IntensityWindow(low: 5, high: 5) }
        #expect(
            error?.description
                == "a window from 5.0 to 5.0 with the offset 32768.0. Give finite numbers, the lower one first, such as -1024 and 3071."
        )
        expectError(.invalidArgument) { _ = try IntensityWindow(low: -.infinity, high: 0) }
        expectError(.invalidArgument) { _ = try IntensityWindow(low: 0, high: 1, offset: .nan) }
    }

    @Test func masksOf16BitsAreWhiteAt65535() throws {
        let folder = try TemporaryFolder()
        // 2 x 2: only the second pixel is white.
        let white =
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAEklEQVR4nGNgYPj/n4GBgYEBAAz9Af8IwpVoAAAAAElFTkSuQmCC"
        let path = try folder.write("mask.png", Array(Data(base64Encoded: white)!))
        #expect(try Mask(path: path).values == [0, 1, 0, 0])
        expectError(.greyMask) { _ = try Mask(path: folder.write("scan.png", scan)) }
    }
}
