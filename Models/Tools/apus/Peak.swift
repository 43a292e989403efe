import Apus
import ArgumentParser

struct Peak: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the most that this machine does, and print it as one line of JSON.",
        discussion: """
            Billions of floating-point operations a second of multiply-adds in registers, in fp32 and in bf16, and billions of bytes \
            a second that a large copy reads and writes.
            """)

    @Option(help: "Threads to run on. (default: all processors)")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be from 1 to 1024.")
        }
    }

    func run() throws { print(try Compiler(threads: threads).measurePeak().json) }
}
