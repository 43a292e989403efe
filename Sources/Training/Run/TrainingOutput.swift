import Foundation

/// Where a run says what it does: a progress line, lines that stay, and warnings.
public final class TrainingOutput {
    private var progress: ProgressWriter
    private let write: (String) -> Void
    private let writeWarning: (String) -> Void

    /// Shows progress through `progress` and hands other lines to `write`, and warnings to `warn`, without their line
    /// ends.
    public init(
        progress: ProgressWriter, warn: @escaping (String) -> Void = { _ in }, write: @escaping (String) -> Void
    ) {
        (self.progress, self.write, writeWarning) = (progress, write, warn)
    }

    /// The process's standard output, and its standard error for warnings.
    public static var standard: TrainingOutput {
        func line(_ text: String, to file: FileHandle) {
            try? file.write(contentsOf: Data("\(text)\n".utf8))  // nobody may be reading any more
        }
        return TrainingOutput(
            progress: ProgressWriter(), warn: { line("warning: \($0)", to: .standardError) },
            write: { line($0, to: .standardOutput) })
    }

    /// Shows nothing.
    public static var silent: TrainingOutput {
        TrainingOutput(progress: ProgressWriter(isTerminal: false) { _ in }) { _ in }
    }

    func show(_ line: TrainingProgress) { progress.show(line.line, at: Clock.now) }

    /// Writes a line that stays.
    public func say(_ line: String) {
        progress.finish()
        write(line)
    }

    /// Writes a warning.
    public func warn(_ line: String) {
        progress.finish()
        writeWarning(line)
    }
}

/// Seconds of a steady clock.
package enum Clock {
    package static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    /// What `body` returns, and the seconds that it took.
    package static func time<Result>(_ body: () throws -> Result) rethrows -> (Result, seconds: Double) {
        let start = now
        let result = try body()
        return (result, now - start)
    }
}
