import Foundation

/// How far a training run has come, as one line of text.
public struct TrainingProgress: Sendable {
    /// The current epoch, counted from 1.
    public var epoch: Int
    /// The epochs of the whole run.
    public var epochs: Int
    /// The current step of the epoch, counted from 1.
    public var step: Int
    /// The steps of each epoch.
    public var steps: Int
    /// Losses and metrics, in the order in which they are shown.
    public var values: [(name: String, value: Double)]
    /// The images seen in the last `seconds`.
    public var images: Int
    /// The time that `images` took; time spent on anything but training is better left out of both.
    public var seconds: Double
    /// What of it went by until batches were there.
    public var waiting: Double
    /// The images that the rest of the run will see.
    public var imagesLeft: Int

    /// A state of the run, with all its parts.
    public init(
        epoch: Int, of epochs: Int, step: Int, of steps: Int, values: [(name: String, value: Double)],
        images: Int, seconds: Double, waiting: Double = 0, imagesLeft: Int
    ) {
        (self.epoch, self.epochs, self.step, self.steps) = (epoch, epochs, step, steps)
        (self.values, self.images, self.seconds, self.imagesLeft) = (values, images, seconds, imagesLeft)
        self.waiting = waiting
    }

    /// Of less than this share of the time nothing is said.
    private static let noteworthyWaiting = 0.1

    /// For example "epoch 3/20  step 12/50  loss 0.7311  120 images/s  ETA 4:05"; without a measured speed,
    /// the last two are missing. Where a tenth of the time or more is spent on waiting for data, it says so.
    public var line: String {
        var parts = ["epoch \(epoch)/\(epochs)", "step \(step)/\(steps)"]
        parts += values.map { name, value in "\(name) \(String(format: "%.4g", value))" }
        if images > 0, seconds > 0 {
            let speed = Double(images) / seconds
            parts.append(String(format: speed < 10 ? "%.2f images/s" : "%.0f images/s", speed))
            parts.append("ETA \(Self.clock(Double(imagesLeft) / speed))")
            let share = waiting / seconds
            if share >= Self.noteworthyWaiting {
                parts.append(String(format: "waits for data %.0f %% of the time", share * 100))
            }
        }
        return parts.joined(separator: "  ")
    }

    /// A time as h:mm:ss or m:ss, rounded to whole seconds; none is shorter than 0.
    public static func clock(_ seconds: Double) -> String {
        guard seconds < 1e9 else { return "years" }
        let seconds = max(seconds, 0)
        let whole = Int(seconds.rounded())
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60)
            : String(format: "%d:%02d", minutes, whole % 60)
    }
}

/// Shows lines of progress: on a terminal as one line that is rewritten, elsewhere as a line now and then.
public struct ProgressWriter {
    private let isTerminal: Bool
    private let columns: Int
    private let write: (String) -> Void
    private var lastTime = -Double.infinity
    private var pending: String?

    /// Writes to the process's standard output.
    public init() {
        var size = winsize()
        let known = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        self.init(isTerminal: isatty(STDOUT_FILENO) == 1, columns: known ? Int(size.ws_col) : 80) { text in
            try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))  // nobody may be reading any more
        }
    }

    /// Hands its text to `write`.
    public init(isTerminal: Bool, columns: Int = 80, write: @escaping (String) -> Void) {
        self.isTerminal = isTerminal
        self.columns = max(1, columns)
        self.write = write
    }

    /// The seconds between two lines: often enough to look alive, seldom enough to keep a log file short.
    private var interval: Double { isTerminal ? 0.1 : 10 }

    /// Shows a line, unless the last one was shown only just before; `time` is in seconds of any steady clock.
    public mutating func show(_ line: String, at time: Double) {
        pending = line
        guard time - lastTime >= interval else { return }
        lastTime = time
        flush()
    }

    /// Shows the last line if it was held back, and leaves it standing.
    public mutating func finish() {
        flush()
        if isTerminal, lastTime > -.infinity { write("\n") }
        lastTime = -.infinity
    }

    private mutating func flush() {
        guard let line = pending else { return }
        // A line that wraps could not be rewritten. "\u{1B}[K" clears what a longer one before it left.
        write(isTerminal ? "\r\(line.prefix(columns - 1))\u{1B}[K" : "\(line)\n")
        pending = nil
    }
}
