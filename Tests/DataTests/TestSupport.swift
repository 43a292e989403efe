import ApusData
import Foundation
import Testing

/// A folder of its own for one test, removed with this object.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-data-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file, making the folders on the way, and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return "\(path)/\(name)"
    }

    /// The names of everything below the folder, sorted.
    func content() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    }
}

/// Expects `body` to throw a `DataError` of this code and returns it.
@discardableResult
func expectError(
    _ code: DataError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> DataError? {
    let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.code == code, "\(String(describing: error))", sourceLocation: sourceLocation)
    return error
}

/// An image of random pixels.
func randomImage(_ width: Int, _ height: Int, seed: UInt64 = 0) -> RGBImage {
    var random = CounterRandom(seed: seed, purpose: .init(rawValue: 100))
    let pixels = (0..<width * height * 3).map { _ in UInt8(random.integer(below: 256)) }
    return try! RGBImage(width: width, height: height, pixels: pixels)
}

/// The path of a file in Tests/Fixtures.
func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(name)").path
}
