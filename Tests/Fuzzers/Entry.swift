import Foundation

/// libFuzzer's driver, with what it calls for each input.
@_silgen_name("LLVMFuzzerRunDriver") private func runFuzzer(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ testOneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Fuzzes the reader that APUS_READER names. The package manager links a `main` of its own, so libFuzzer's is not used.
@main enum Entry {
    private static let reader: Reader? = Reader(rawValue: ProcessInfo.processInfo.environment["APUS_READER"] ?? "")

    static func main() {
        guard reader != nil else {
            let names = Reader.allCases.map(\.rawValue).joined(separator: ", ")
            FileHandle.standardError.write(Data("APUS_READER must be one of \(names)\n".utf8))
            exit(64)
        }
        var count = CommandLine.argc, arguments = CommandLine.unsafeArgv
        exit(
            runFuzzer(&count, &arguments) { bytes, count in
                Entry.test(UnsafeRawBufferPointer(start: bytes, count: count))
            })
    }

    private static func test(_ bytes: UnsafeRawBufferPointer) -> CInt {
        do {
            try reader?.read(bytes)
        } catch {
            // The message is part of what is tested.
            precondition(!"\(error)".isEmpty, "an error without words")
        }
        return 0
    }
}
