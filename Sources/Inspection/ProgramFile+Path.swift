import Apus
import Foundation

extension ProgramFile {
    /// Reads a program's file. Throws ``FileError`` or ``ProgramFileError``.
    public init(contentsOf path: String) throws {
        try self.init(decoding: MappedFile(contentsOf: path).withBytes { Array($0) }, name: path)
    }

    /// Writes the program's file, whole or not at all.
    public func write(to path: String) throws {
        let bytes = try encoded()
        try AtomicFile.write(to: path) { (output) throws(FileError) in
            try output.write(bytes)
        }
    }
}
