import Apus
import Foundation
import Testing

/// The trace of a run: valid JSON, every step in order, and threads at work only while their step runs.
struct StepTraceTests {
    private struct Event {
        let name: String, row: Int, begin: Double, end: Double, step: Int

        /// Nil for an event that only names a row.
        init?(_ fields: [String: Any]) throws {
            guard fields["ph"] as? String == "X" else { return nil }
            let details = try #require(fields["args"] as? [String: Any])
            name = try #require(fields["name"] as? String)
            row = try #require(fields["tid"] as? Int)
            begin = try #require(fields["ts"] as? Double)
            end = begin + (try #require(fields["dur"] as? Double))
            step = try #require(details["step"] as? Int)
        }
    }

    /// One run of a small training step, observed.
    private func trace(threads: Int) throws -> (runs: [StepRun], program: Program, trace: StepTrace) {
        let step = TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
            let logits = Linear(64, 8)(Input("x", [512, 64]))
            Loss(crossEntropy(logits, Input("labels", [512], .int32)))
        }
        let compiled = try Compiler(threads: threads).compile(step)
        let inputs = [
            "x": try TensorData([Float](repeating: 0.5, count: 512 * 64), shape: [512, 64]),
            "labels": try TensorData([Int32](repeating: 3, count: 512)),
        ]
        var runs: [StepRun] = []
        _ = try compiled.run(compiled.makeState(seed: 0), inputs) { runs.append($0) }
        return (runs, compiled.program, StepTrace(runs, name: "a \"small\" step"))
    }

    @Test(arguments: [1, 2, 5])
    func stepsAndThreadsNest(threads: Int) throws {
        let (runs, program, trace) = try trace(threads: threads)
        let root = try #require(JSONSerialization.jsonObject(with: Data(trace.json.utf8)) as? [String: Any])
        let events = try #require(root["traceEvents"] as? [[String: Any]]).compactMap(Event.init)
        let steps = events.filter { $0.row == 0 }
        #expect(steps.map(\.name) == program.steps.map(\.name))
        #expect(steps.map(\.step) == Array(program.steps.indices))
        for (one, next) in zip(steps, steps.dropFirst()) { #expect(one.end <= next.begin + 0.002) }
        for event in events where event.row > 0 {
            #expect(event.row <= threads)
            let step = steps[event.step]
            #expect(event.name == step.name && event.begin >= step.begin - 0.002 && event.end <= step.end + 0.002)
        }
        for (number, run) in runs.enumerated() {
            #expect(!run.work.isEmpty)
            guard case .kernel(_, _, let count, _) = program.steps[number].work else { continue }
            #expect(run.work.reduce(0) { $0 + $1.tiles } == count, "step \(number)")
        }
    }

    @Test func unwritablePathsAreErrors() throws {
        let folder = NSTemporaryDirectory() + "trace-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (_, _, trace) = try trace(threads: 1)
        try AtomicFile.check(folder + "/trace.json")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        try trace.write(to: folder + "/trace.json")
        try AtomicFile.check(folder + "/trace.json")
        #expect(try String(contentsOfFile: folder + "/trace.json", encoding: .utf8) == trace.json)
        for (path, number) in [
            (folder, EISDIR), (folder + "/none/trace.json", ENOENT), (folder + "/trace.json/trace.json", ENOTDIR),
        ] {
            let error = #expect(throws: FileError.self) { try AtomicFile.check(path) }
            #expect(error?.number == number && error?.action == "write", "\(path)")
        }
    }

    @Test func runsInAnyOrderGiveATrace() throws {
        let runs = try trace(threads: 1).runs
        #expect(
            try JSONSerialization.jsonObject(with: Data(StepTrace(runs.reversed(), name: "r").json.utf8))
                is [String: Any])
    }
}
