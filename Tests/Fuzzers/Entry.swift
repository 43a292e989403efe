import Foundation

/// The reader that is fuzzed, as APUS_READER names it.
private let reader: Reader = {
    let name = ProcessInfo.processInfo.environment["APUS_READER"] ?? ""
    guard let reader = Reader(rawValue: name) else {
        let names = Reader.allCases.map(\.rawValue).joined(separator: ", ")
        FileHandle.standardError.write(Data("APUS_READER is '\(name)'; it must be one of \(names)\n".utf8))
        exit(64)
    }
    return reader
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput") public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try reader.read(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        // The message is part of what is tested.
        let message = "\(error)"
        precondition(!message.isEmpty, "an error without words")
    }
    return 0
}
