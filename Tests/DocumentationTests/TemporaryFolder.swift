import Foundation

/// A folder that goes away with this value.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
