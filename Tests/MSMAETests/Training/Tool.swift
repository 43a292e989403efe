import Foundation

/// The built `msmae`, which lies beside the tests.
enum Tool {
    static let path: String? = {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let path = folder.appendingPathComponent("msmae").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    /// Starts the tool. Without a `cache`, the folder in which XDG has the program keep code, it is that of the tests.
    static func start(_ arguments: [String], cache: String? = nil, errors: Pipe? = nil) throws -> Process {
        let process = Process()
        if let cache {
            process.environment = ProcessInfo.processInfo.environment.merging(["XDG_CACHE_HOME": cache]) { $1 }
        }
        process.executableURL = URL(fileURLWithPath: path ?? "")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors ?? FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Runs the tool to its end.
    static func run(_ arguments: [String], cache: String? = nil) throws -> (status: Int32, errors: String) {
        let errors = Pipe()
        let process = try start(arguments, cache: cache, errors: errors)
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    /// Starts the tool, waits for `condition`, and kills it a moment later.
    static func kill(
        _ arguments: [String], cache: String? = nil, afterMilliseconds delay: Int, when condition: () -> Bool
    ) throws {
        let process = try start(arguments, cache: cache)
        while process.isRunning, !condition() { usleep(1000) }
        usleep(UInt32(delay) * 1000)
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
