import Apus
import ArgumentParser

/// A file that a run's trace goes to.
package struct TraceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File for a trace of one run, step by step and thread by thread, for ui.perfetto.dev.", valueName: "file"))
    package var trace: String?

    package init() {}

    /// Throws if the file could not be written: to be called before what takes long.
    package func check() throws {
        if let trace { try AtomicFile.check(trace) }
    }

    package func write(_ trace: StepTrace) throws {
        if let path = self.trace { try trace.write(to: path) }
    }
}
