import Apus
import Foundation

/// What a benchmark has measured.
public struct BenchmarkResult: Sendable {
    public let task: String
    public let preset: String
    public let precision: String
    public let batch: Int
    /// Seconds from the declaration to the program.
    public let compilation: Double
    /// What of them the stages of the compiler took, in order.
    public let stages: [(stage: String, seconds: Double)]
    /// Whether the code came from the cache.
    public let isCached: Bool
    /// Seconds of compilation and first run.
    public let first: Double
    /// Seconds of the timed runs, shortest first.
    public let times: [Double]
    /// Bytes of the weights and of what the optimizer keeps about them.
    public let parameterBytes: Int
    /// The largest memory that the process has held.
    public let peakBytes: Int
    /// The threads that it ran on.
    public let pool: WorkerPool
    /// Of the matmuls of one run.
    public let floatingPointOperations: Int
    public let profile: StepProfile?
    public let trace: StepTrace?

    public var median: Double { times[times.count / 2] }
    public var imagesPerSecond: Double { Double(batch) / median }
    /// Billions of floating-point operations of matmuls in one run.
    public var billionOperations: Double { Double(floatingPointOperations) / 1e9 }

    /// One line with the keys of the PyTorch side of the comparison.
    public func json(version: String) -> String {
        func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        // The PyTorch side divides kilobytes of 1024 by a million.
        let peak = Double(peakBytes) / 1024 / 1e6
        let entries = [
            ("task", "\"\(task)\""), ("preset", "\"\(preset)\""), ("dtype", "\"\(precision)\""),
            ("variant", "\"compiled\""),
            ("batch", "\(batch)"), ("first_s", number(first, 3)), ("median_s", number(median, 5)),
            ("min_s", number(times[0], 5)),
            ("images_per_s", number(imagesPerSecond, 3)), ("peak_rss_gb", number(peak, 3)),
            ("parameters_gb", number(Double(parameterBytes) / 1e9, 4)),
            ("threads", "\(pool.threads)"),
            ("apus", "\"\(version)\""), ("compile_s", number(compilation, 3)), ("cached", "\(isCached)"),
            ("gflop_per_step", number(billionOperations, 3)),
            ("gflops", number(billionOperations / median, 2)),
        ]
        return "{" + entries.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    /// The same for people.
    public var table: String {
        let rows = [
            ("step", "\(task), \(preset), \(precision), batch \(batch), \(pool)"),
            ("compilation", String(format: "%.2f s", compilation)),
            ("stages of it", stages.map { String(format: "\($0.stage) %.3f s", $0.seconds) }.joined(separator: ", ")),
            ("code from the cache", isCached ? "yes" : "no"),
            ("compilation and first run", String(format: "%.2f s", first)),
            ("median of \(times.count) runs", String(format: "%.4g s", median)),
            ("shortest run", String(format: "%.4g s", times[0])),
            ("images", String(format: "%.1f / s", imagesPerSecond)),
            (
                "matmuls",
                String(format: "%.3f GFLOP in a run, %.1f GFLOP/s", billionOperations, billionOperations / median)
            ),
            ("weights and optimizer state", String(format: "%.4f GB", Double(parameterBytes) / 1e9)),
            ("peak memory", String(format: "%.3f GB", Double(peakBytes) / 1e9)),
        ]
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + $0.1 }.joined(
            separator: "\n")
    }
}

/// Memory of this process.
enum ProcessMemory {
    /// The largest resident size so far, in bytes.
    static var peakBytes: Int {
        var usage = rusage()
        #if os(Linux)
            getrusage(RUSAGE_SELF.rawValue, &usage)
            return usage.ru_maxrss * 1024
        #else
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }
}
