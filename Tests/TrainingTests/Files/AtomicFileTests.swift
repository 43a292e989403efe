import ApusFiles
import ApusTraining
import Foundation
import Testing

@Suite struct AtomicFileTests {
    private let folder = TemporaryFolder()

    @Test func createsAndReplaces() throws {
        let path = folder.file("notes.txt")
        try AtomicFile.write("first\n", to: path)
        try AtomicFile.write("second\n", to: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "second\n")
        #expect(folder.contents == ["notes.txt"])
    }

    /// What a killed process has left goes with the next file of that name; what one is writing stays.
    @Test func whatAKilledProcessHasLeftIsRemoved() async throws {
        let path = folder.file("weights")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            try AtomicFile.write(to: path) { (output) throws(FileError) in kill(getpid(), SIGKILL) }
        }
        _ = folder.write([1], to: ".weights.txt.1-2.partial")  // another file's
        #expect(folder.contents.count == 2)
        try AtomicFile.write(to: path) { (output) throws(FileError) in
            try output.write("outer")
            try AtomicFile.write("inner", to: path)
            #expect(folder.contents.count == 3)
        }
        #expect(folder.contents == [".weights.txt.1-2.partial", "weights"])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "outer")
        // Of all names; other hidden files stay.
        for name in [".partial", ".scan.2024.partial"] { _ = folder.write([1], to: name) }
        AtomicFile.removeAbandoned(in: folder.path)
        #expect(Set(folder.contents) == [".partial", ".scan.2024.partial", "weights"])
    }

    @Test func keepsTheEarlierFileWhenTheBodyFails() throws {
        let path = folder.write("old".utf8, to: "notes.txt")
        let error = #expect(throws: FileError.self) {
            try AtomicFile.write(to: path) { (output) throws(FileError) in
                try output.write("half")
                throw FileError(path: path, action: "write", number: ENOSPC)
            }
        }
        #expect(error?.number == ENOSPC)
        #expect(try contents(of: path) == Array("old".utf8))
        #expect(folder.contents == ["notes.txt"])
    }

    @Test func reportsAFolderThatDoesNotExist() {
        let path = folder.file("missing/notes.txt")
        let error = #expect(throws: FileError.self) { try AtomicFile.write("text", to: path) }
        #expect(
            error?.description
                == "\(path): cannot write: No such file or directory (check the spelling; the folder has to exist)")
    }

    @Test func leavesAFolderOfTheSameNameAlone() throws {
        try FileManager.default.createDirectory(atPath: folder.file("taken"), withIntermediateDirectories: false)
        let error = #expect(throws: FileError.self) { try AtomicFile.write("text", to: folder.file("taken")) }
        #expect(error?.number == EISDIR)
        #expect(folder.contents == ["taken"])
    }

    /// The system cuts the write at the limit and refuses the rest, as it does on a full disk.
    @Test func keepsTheEarlierFileWhenTheSystemRefusesToWriteMore() async throws {
        let path = folder.write("old".utf8, to: "notes.txt")
        await #expect(processExitsWith: .success) { [path = path as String] in
            limitFileSize(to: 10_000)
            let error = #expect(throws: FileError.self) {
                try AtomicFile.write(String(repeating: "x", count: 100_000), to: path)
            }
            #expect(error?.number == EFBIG)
            #expect(error?.path == path)
        }
        #expect(try contents(of: path) == Array("old".utf8))
        #expect(folder.contents == ["notes.txt"])
    }

    @Test func keepsTheEarlierFileWhenTheProcessIsKilled() async throws {
        let path = folder.write("old".utf8, to: "notes.txt")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            try AtomicFile.write(to: path) { (output) throws(FileError) in
                try output.write("half")
                kill(getpid(), SIGKILL)
            }
        }
        #expect(try contents(of: path) == Array("old".utf8))
        #expect(folder.contents.count == 2)
    }

    @Test(arguments: [
        (ENOSPC, "free some space"), (EFBIG, "ulimit -f"), (EACCES, "permissions"), (EROFS, "read-only"),
        (ENOENT, "has to exist"), (EISDIR, "this is a folder"), (ENOTDIR, "where a file is"), (EMFILE, "ulimit -n"),
    ]) func saysWhatToDo(number: Int32, advice: String) {
        let error = FileError(path: "runs/a", action: "write", number: number)
        #expect(error.description.hasPrefix("runs/a: cannot write: \(String(cString: strerror(number))) ("))
        #expect(error.advice?.contains(advice) == true)
    }

    @Test func saysNothingMoreWhereThereIsNoAdvice() {
        #expect(FileError(path: "a", action: "read", number: EIO).description == "a: cannot read: Input/output error")
    }
}

/// Makes writes beyond `bytes` fail in this process, with an error in place of the signal that would end it.
func limitFileSize(to bytes: UInt) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
    #if canImport(Darwin)
        #expect(setrlimit(RLIMIT_FSIZE, &limit) == 0)
    #else
        #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    #endif
}
