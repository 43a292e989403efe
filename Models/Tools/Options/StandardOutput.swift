import Apus
import Foundation

/// What a command has printed.
package enum StandardOutput {
    /// Sends it on its way; without that, what a full disk does not take would be lost at the end of the process, and
    /// nobody would know. That nobody reads it any longer is no error.
    package static func flush() throws(FileError) {
        guard fflush(nil) == 0 || errno == EPIPE || errno == EBADF else {
            throw FileError(path: "standard output", action: "write")
        }
    }
}
