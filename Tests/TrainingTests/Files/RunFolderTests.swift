import ApusFiles
import ApusTraining
import Foundation
import Testing

@Suite struct RunFolderTests {
    private let temporary = TemporaryFolder()
    private let run: RunFolder

    init() throws { run = try RunFolder(creating: temporary.file("runs/first")) }

    private func save(_ step: Int, keeping kept: Int = 2) throws {
        try run.saveCheckpoint(step: step, metadata: [:], tensors: [.init("x", floats: [Float(step)])], keeping: kept)
    }

    private func damage(_ step: Int) throws {
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: run.checkpointPath(step: step)))
    }

    private var steps: [Int] { get throws { try run.checkpoints().map(\.step) } }

    @Test func laysOutTheRun() throws {
        let path = temporary.file("runs/first")
        #expect(run.configPath == "\(path)/config.json")
        #expect(run.logPath == "\(path)/log.jsonl")
        #expect(run.checkpointPath(step: 1200) == "\(path)/checkpoints/step-000001200.safetensors")
        #expect(try RunFolder(creating: path).path == path)
        #expect(try RunFolder(opening: path).path == path)
    }

    @Test func reportsAFolderThatDoesNotExist() throws {
        let absent = #expect(throws: FileError.self) { try RunFolder(opening: temporary.file("absent")) }
        #expect(absent?.number == ENOENT)
        let file = temporary.write([], to: "file")
        let notAFolder = #expect(throws: FileError.self) { try RunFolder(opening: file) }
        #expect(notAFolder?.number == ENOTDIR)
        #expect(throws: FileError.self) { try RunFolder(creating: file + "/run") }
        #expect(throws: FileError.self) { try RunFolder(creating: "") }
    }

    @Test func aRunWithoutACheckpointGivesNone() throws {
        #expect(try run.latestCheckpoint() == nil)
        try FileManager.default.removeItem(atPath: run.checkpointsPath)
        #expect(try run.latestCheckpoint() == nil)
    }

    @Test func keepsTheLastCheckpoints() throws {
        for step in [5, 90, 1000, 1_000_000_000] { try save(step) }
        #expect(try steps == [1000, 1_000_000_000])
        let latest = try #require(try run.latestCheckpoint())
        #expect(latest.step == 1_000_000_000)
        #expect(try SafetensorsFile(contentsOf: latest.path).floats("x") == [1e9])
        try save(1_000_000_001, keeping: 0)
        #expect(try steps == [1_000_000_001])
    }

    @Test func leavesOtherFilesAlone() throws {
        let best = run.checkpointsPath + "/best.safetensors"
        try SafetensorsWriter.write(to: best, tensors: [])
        for step in 1...3 { try save(step) }
        #expect(FileManager.default.fileExists(atPath: best))
        #expect(try steps == [2, 3])
    }

    @Test func namesABrokenCheckpointAndTheOneBefore() throws {
        for step in 1...2 { try save(step) }
        try damage(2)
        let error = #expect(throws: RunFolderError.self) { try run.latestCheckpoint() }
        guard case .brokenCheckpoint(let cause, let previous) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.path == run.checkpointPath(step: 2))
        #expect(previous == run.checkpointPath(step: 1))
        #expect(
            error?.description == """
                \(run.checkpointPath(step: 2)): not a safetensors file: 3 bytes, and the header's length alone takes 8. \
                The checkpoint is broken; remove it to go on from \(run.checkpointPath(step: 1)).
                """)
        try damage(1)
        #expect(throws: RunFolderError.brokenCheckpoint(cause, previous: nil)) { try run.latestCheckpoint() }
    }

    @Test func neverRemovesTheNewestWholeCheckpoint() throws {
        for step in 1...4 { try save(step, keeping: 10) }
        for step in 3...4 { try damage(step) }
        try run.removeOldCheckpoints()
        #expect(try steps == [2, 3, 4])
        try save(5)
        #expect(try steps == [4, 5])
    }

    @Test func removesWhatAKilledProcessLeft() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = run.checkpointPath(step: 7) as String] in
            try AtomicFile.write(to: path) { (output) throws(FileError) in kill(getpid(), SIGKILL) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: run.checkpointsPath).count == 1)
        try save(8)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run.checkpointsPath) == ["step-000000008.safetensors"])
    }
}
