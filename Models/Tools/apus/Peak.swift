import Apus
import ArgumentParser
import ToolOptions

struct Peak: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the most that this machine does, and print it as one line of JSON.",
        discussion: """
            Billions of floating-point operations a second of multiply-adds in registers, in fp32 and in bf16, and billions of bytes \
            a second that a large copy reads and writes.
            """)

    @OptionGroup var workers: ThreadOptions

    func run() throws {
        let compiler = try Compiler(threads: workers.threads, pinned: workers.pinned)
        for warning in compiler.pool.warnings { TrainingOutput.standard.warn(warning) }
        print(try compiler.measurePeak().json)
    }
}
