import Foundation

/// A folder of its own for one test; it goes when the test's last reference to it goes.
final class TemporaryFolder {
    let path: String

    init() {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
        try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file into the folder and returns its path.
    func write(_ bytes: some Sequence<UInt8>, to name: String) -> String {
        let path = file(name)
        try! Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// The names of everything in the folder, hidden files included, sorted.
    var contents: [String] { try! FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

/// The path of a recorded reference result in Tests/Fixtures.
func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(name)").path
}

/// The bytes of a whole file.
func contents(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
