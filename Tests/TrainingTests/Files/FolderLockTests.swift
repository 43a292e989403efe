import ApusFiles
import Foundation
import Testing

@Suite struct FolderLockTests {
    private let temporary = TemporaryFolder()
    private var folder: String { temporary.file("folder") }

    private func content() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }

    @Test func oneAtATime() throws {
        let first = try FolderLock(creating: folder)
        #expect(throws: FolderLockError.held(path: folder, by: .current)) { try FolderLock(creating: folder) }
        first.release()
        #expect(try content().isEmpty)
        let second = try FolderLock(creating: folder)
        first.release()  // a second time, which must not take away what another has
        #expect(try content() == [".lock"])
        #expect(throws: FolderLockError.self) { try FolderLock(creating: folder) }
        second.release()
    }

    @Test func theLastReferenceReleases() throws {
        _ = try FolderLock(creating: folder)
        try FolderLock(creating: folder).release()
    }

    @Test func theMessageNamesTheProcess() throws {
        let lock = try FolderLock(creating: folder)
        defer { lock.release() }
        let error = #expect(throws: FolderLockError.self) { try FolderLock(creating: folder) }
        #expect(
            error?.description
                == "\(folder): the folder is in use by process \(getpid()) on \(ProcessInfo.processInfo.hostName); "
                + "wait until that ends, or choose another folder")
    }

    @Test func anotherProcessIsRefused() async throws {
        let lock = try FolderLock(creating: folder)
        defer { lock.release() }
        await #expect(processExitsWith: .exitCode(42)) { [folder = folder as String, owner = getpid() as Int32] in
            do {
                _ = try FolderLock(creating: folder)
            } catch let error as FolderLockError {
                guard case .held(_, let holder) = error else { exit(2) }
                exit(holder?.process == owner ? 42 : 1)
            }
        }
    }

    @Test func aKilledProcessHoldsNothing() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            let lock = try FolderLock(creating: folder)
            kill(getpid(), SIGKILL)
            lock.release()
        }
        #expect(try content() == [".lock"])
        try FolderLock(creating: folder).release()
        #expect(try content().isEmpty)
    }

    @Test func aFolderThatIsRenamedIsReleased() throws {
        let lock = try FolderLock(creating: folder), other = temporary.file("other")
        try FileManager.default.moveItem(atPath: folder, toPath: other)
        lock.release(movedTo: other)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other).isEmpty)
    }

    @Test func whatCannotBeMadeIsNamed() {
        let file = temporary.write([], to: "file")
        #expect(throws: FolderLockError.file(FileError(path: file, action: "create", number: EEXIST))) {
            try FolderLock(creating: file)
        }
    }

    // MARK: - File systems without locks

    private func claim() throws(FolderLockError) -> FolderLock {
        try FolderLock(folder) { _ in
            errno = ENOLCK
            return -1
        }
    }

    private func sign(_ owner: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(owner.utf8).write(to: URL(fileURLWithPath: folder + "/.lock"))
    }

    @Test func theFileIsTheSign() throws {
        try sign("")
        let first = try claim()
        #expect(throws: FolderLockError.held(path: folder, by: .current)) { try claim() }
        first.release()
        try claim().release()
    }

    /// A number that is given to another process later is told by when it began.
    @Test(arguments: ["4000000 7", "\(getpid()) 7"]) func aProcessThatHasEndedCountsNoMore(process: String) throws {
        try sign("\(ProcessInfo.processInfo.hostName) \(process)")
        try claim().release()
    }

    @Test func aProcessOnAnotherMachineCounts() throws {
        try sign("elsewhere 4000000 7")
        let error = #expect(throws: FolderLockError.self) { try claim() }
        #expect(error?.description.contains("in use by process 4000000 on elsewhere;") == true)
    }
}
