import Foundation

/// Programs that are run to their end.
public enum Command {
    /// Why a program was not started.
    public struct Failure: Error, Hashable, Sendable {
        /// The number that the system gives.
        public let number: Int32

        /// What the number means.
        public var reason: String { String(cString: strerror(number)) }
    }

    /// Runs a program, found by `PATH`, in a folder. Gives its status (128 and the signal's number, if one has ended
    /// it), and what it has printed, errors among it; a program that is not there has status 127.
    ///
    /// Foundation's `Process` waits for ever where the system refuses threads.
    public static func run(_ arguments: [String], in folder: String) -> Result<(status: Int32, output: String), Failure>
    {
        guard let output = tmpfile() else { return .failure(Failure(number: errno)) }
        defer { fclose(output) }
        let actions = UnsafeMutablePointer<FileActions>.allocate(capacity: 1)
        defer { actions.deallocate() }
        posix_spawn_file_actions_init(actions)
        defer { posix_spawn_file_actions_destroy(actions) }
        posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(actions, fileno(output), 1)
        posix_spawn_file_actions_adddup2(actions, fileno(output), 2)
        // Not every system's spawn changes the folder.
        let shell = ["/bin/sh", "-c", "CDPATH= cd -- \"$0\" && exec \"$@\"", folder]
        var list: [UnsafeMutablePointer<CChar>?] = (shell + arguments).map { strdup($0) } + [nil]
        defer { for argument in list { free(argument) } }
        var process: pid_t = 0
        let problem = posix_spawn(&process, shell[0], actions, nil, &list, environ)
        guard problem == 0 else { return .failure(Failure(number: problem)) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return .failure(Failure(number: errno)) }
        }
        let signal = status & 0x7f
        return .success((signal == 0 ? status >> 8 & 0xff : 128 + signal, text(output)))
    }

    #if canImport(Darwin)
        private typealias FileActions = posix_spawn_file_actions_t?
    #else
        private typealias FileActions = posix_spawn_file_actions_t
    #endif

    private static func text(_ file: UnsafeMutablePointer<FILE>) -> String {
        var bytes: [UInt8] = [], chunk = [UInt8](repeating: 0, count: 4096)
        rewind(file)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
