import ArgumentParser
import Testing
import ToolOptions

/// Options about threads, as all commands have them.
struct ThreadOptionsTests {
    @Test func given() throws {
        let options = try ThreadOptions.parse(["--threads", "4", "--pin"])
        #expect(options.threads == 4 && options.pinned)
        let none = try ThreadOptions.parse([])
        #expect(none.threads == nil && !none.pinned)
    }

    @Test(arguments: ["0", "-3", "1025", "9000000000000000000"])
    func numbersThatCannotBe(number: String) {
        let error = #expect(throws: (any Error).self) { try ThreadOptions.parse(["--threads=\(number)"]) }
        let message = error.map { ThreadOptions.message(for: $0) } ?? ""
        #expect(message == "--threads is \(number); it must be from 1 to 1024.")
    }
}
