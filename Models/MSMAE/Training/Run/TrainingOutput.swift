import Apus
import Foundation

/// Where a run says what it does: a progress line, and lines that stay.
public final class TrainingOutput {
    private var progress: ProgressWriter
    private let write: (String) -> Void

    /// Shows progress through `progress` and hands other lines to `write`, without their line ends.
    public init(progress: ProgressWriter, write: @escaping (String) -> Void) {
        self.progress = progress
        self.write = write
    }

    /// The process's standard output.
    public static var standard: TrainingOutput {
        TrainingOutput(progress: ProgressWriter()) { line in
            try? FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))  // nobody may be reading any more
        }
    }

    /// Shows nothing.
    public static var silent: TrainingOutput {
        TrainingOutput(progress: ProgressWriter(isTerminal: false) { _ in }) { _ in }
    }

    func show(_ line: TrainingProgress) { progress.show(line.line, at: Clock.now) }

    func say(_ line: String) {
        progress.finish()
        write(line)
    }
}

/// Seconds of a steady clock.
enum Clock {
    static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    /// What `body` returns, and the seconds that it took.
    static func time<Result>(_ body: () throws -> Result) rethrows -> (Result, seconds: Double) {
        let start = now
        let result = try body()
        return (result, now - start)
    }
}
