import Apus
import Foundation
import Synchronization
import Testing

/// Batches that other threads make while a step runs change nothing but the time.
@Suite(.timeLimit(.minutes(2))) struct FitPrefetchTests {
    private let folder = TemporaryFolder()

    private func settings(threads: Int, epochs: Int = 3) -> FitSettings {
        var settings = Circle.settings(epochs: epochs)
        settings.loaderThreads = threads
        return settings
    }

    @Test func resultsDoNotDependOnThreads() throws {
        let data = try Circle.points(100, seed: 1), test = try Circle.points(50, seed: 2)
        func train(_ threads: Int, _ name: String) throws -> FitResult {
            try fit(
                Circle.step(), data, in: folder.file(name), settings: settings(threads: threads),
                validation: Circle.validation(test), output: .silent)
        }
        let alone = try train(0, "0")
        for threads in [1, 3] {
            let other = try train(threads, "\(threads)")
            #expect(try haveSameBits(alone.state, other.state) && alone.best == other.best)
        }
        let refused = try NativeThread.$areRefused.withValue(true) { try train(3, "refused") }
        #expect(try haveSameBits(alone.state, refused.state) && alone.best == refused.best)
    }

    /// Before the first step is asked for, its batch is being made; without threads, nobody has asked for it.
    @Test(arguments: [0, 1]) func batchesAreMadeAhead(threads: Int) throws {
        let asked = DispatchSemaphore(value: 0), count = Atomic(0)
        let data = Watched(samples: try Circle.points(64, seed: 1)) { _, _ in
            count.add(1, ordering: .relaxed)
            asked.signal()
        }
        let isAhead = Mutex<Bool?>(nil)
        let result = try fit(
            Circle.step(), data, in: folder.file("run"), settings: settings(threads: threads, epochs: 1),
            output: .silent
        ) { step in
            guard step == 0 else { return false }
            // Two batches at most are made before the first is taken.
            let isMade =
                threads == 0 ? count.load(ordering: .relaxed) > 0 : asked.wait(timeout: .now() + 60) == .success
            isAhead.withLock { $0 = isMade }
            return false
        }
        #expect(isAhead.withLock { $0 } == (threads > 0))
        #expect(result.isFinished && count.load(ordering: .relaxed) == 4)
    }

    private struct Broken: Error {}

    /// An error of the source ends the run at the batch that has it, and not before; the run goes on from there.
    @Test(arguments: [0, 1, 3]) func errorsComeWithTheirBatch(threads: Int) throws {
        let samples = try Circle.points(96, seed: 1)
        let whole = try fit(
            Circle.step(), samples, in: folder.file("whole"), settings: settings(threads: 0), output: .silent)
        // The fourth batch of the second epoch, whichever thread makes it.
        let order = Mutex<[[Int]]>([]), bad = Mutex<[Int]>([])
        _ = try fit(
            Circle.step(),
            Watched(samples: samples) { places, epoch in
                if epoch == 1 { order.withLock { $0.append(places) } }
            }, in: folder.file("order"), settings: settings(threads: 0), output: .silent)
        bad.withLock { bad in bad = order.withLock { $0[3] } }
        let wrong = bad.withLock { $0 }
        let lastStep = Atomic(-1)
        #expect(throws: Broken.self) {
            try fit(
                Circle.step(),
                Watched(samples: samples) { places, epoch in
                    if epoch == 1, places == wrong { throw Broken() }
                }, in: folder.file("run"), settings: settings(threads: threads), output: .silent
            ) { step in
                lastStep.store(step, ordering: .relaxed)
                return false
            }
        }
        // Six steps in an epoch: nine were made, and the tenth was asked for.
        #expect(lastStep.load(ordering: .relaxed) == 9)
        #expect(try RunFolder(opening: folder.file("run")).latestCheckpoint()?.step == 9)
        let resumed = try fit(
            Circle.step(), samples, in: folder.file("run"), settings: settings(threads: threads), resuming: true,
            output: .silent)
        #expect(try resumed.isFinished && haveSameBits(resumed.state, whole.state))
    }

    @Test func aStoppedRunGoesOnInTheMiddleOfAnEpoch() throws {
        let data = try Circle.points(100, seed: 1)
        func train(_ name: String, resuming: Bool = false, until last: Int = .max) throws -> FitResult {
            try fit(
                Circle.step(), data, in: folder.file(name), settings: settings(threads: 2), resuming: resuming,
                output: .silent
            ) { $0 >= last }
        }
        let whole = try train("whole")
        #expect(try !train("parts", until: 7).isFinished && !train("parts", resuming: true, until: 11).isFinished)
        #expect(try haveSameBits(train("parts", resuming: true).state, whole.state))
    }
}
