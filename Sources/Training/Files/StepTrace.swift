import ApusFiles
import ApusRuntime
import Foundation

/// When each step of a program ran, and what each thread did meanwhile: for chrome://tracing and ui.perfetto.dev.
public struct StepTrace: Sendable {
    /// The steps of one run, in order.
    public let runs: [StepRun]
    /// What the trace is called when it is shown.
    public let name: String

    /// A trace of the steps of one run.
    public init(_ runs: [StepRun], name: String) {
        self.runs = runs
        self.name = name
    }

    /// The trace in Chrome's format: a row for the steps, and one for each thread.
    public var json: String {
        let start = runs.map(\.time.lowerBound).min() ?? 0
        func microseconds(_ nanoseconds: UInt64) -> String { String(format: "%.3f", Double(nanoseconds) * 1e-3) }
        func event(_ name: String, row: Int, _ time: Range<UInt64>, _ details: [(String, Int)]) -> String {
            let arguments = details.map { "\(JSONText.quoted($0)):\($1)" }.joined(separator: ",")
            return
                "{\"name\":\(JSONText.quoted(name)),\"ph\":\"X\",\"pid\":1,\"tid\":\(row),\"ts\":\(microseconds(time.lowerBound - start)),"
                + "\"dur\":\(microseconds(UInt64(time.count))),\"args\":{\(arguments)}}"
        }
        func title(_ kind: String, row: Int, _ name: String) -> String {
            "{\"name\":\"\(kind)\",\"ph\":\"M\",\"pid\":1,\"tid\":\(row),\"args\":{\"name\":\(JSONText.quoted(name))}}"
        }
        let workers = Set(runs.flatMap { $0.work.map(\.worker) }).sorted()
        var events = [title("process_name", row: 0, name), title("thread_name", row: 0, "steps")]
        events += workers.map { title("thread_name", row: $0 + 1, "thread \($0)") }
        for run in runs {
            let details = [
                ("step", run.number), ("flops", run.step.floatingPointOperations), ("bytes", run.step.bytes),
            ]
            events.append(event(run.step.name, row: 0, run.time, details))
            events += run.work.map {
                event(run.step.name, row: $0.worker + 1, $0.time, [("step", run.number), ("tiles", $0.tiles)])
            }
        }
        return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}\n"
    }

    /// Creates or replaces a file with the trace.
    public func write(to path: String) throws(FileError) { try AtomicFile.write(json, to: path) }
}
