import ApusFiles
import ApusTraining
import Foundation
import Testing

@Suite struct RunLogTests {
    private let folder = TemporaryFolder()

    private func lines(_ path: String) throws -> [String] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    @Test func writesValidJSONInTheGivenOrder() throws {
        let path = folder.file("log.jsonl")
        let log = try RunLog(path: path)
        try log.append([
            ("step", .integer(3)), ("loss", .number(0.1)), ("small", .number(1e-5)), ("bad", .number(.nan)),
            ("high", .number(.infinity)), ("low", .number(-.infinity)), ("note", .text("a \"b\"\n")),
            ("best", .flag(true)), ("none", .null), ("classes", .list([.text("a"), .integer(2)])),
        ])
        let line = try #require(try lines(path).first)
        #expect(
            line
                == #"{"step":3,"loss":0.1,"small":1e-05,"bad":"NaN","high":"Infinity","low":"-Infinity","note":"a \"b\"\n","best":true,"none":null,"classes":["a",2]}"#
        )
        let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        #expect(parsed?["small"] as? Double == 1e-5)
        #expect(parsed?["note"] as? String == "a \"b\"\n")
    }

    /// Each line is there for another reader before the next one is written.
    @Test func everyLineIsWrittenAtOnce() throws {
        let path = folder.file("log.jsonl")
        let log = try RunLog(path: path)
        for step in 1...3 {
            try log.append([("step", .integer(step))])
            #expect(try lines(path).count == step)
        }
    }

    @Test func goesOnAfterTheLastWholeLine() throws {
        let path = folder.write("{\"step\":1}\n{\"step\":2}\n{\"step\":3,\"lo".utf8, to: "log.jsonl")
        let log = try RunLog(path: path)
        #expect(try lines(path) == [#"{"step":1}"#, #"{"step":2}"#])
        try log.append([("step", .integer(3))])
        #expect(try lines(path) == [#"{"step":1}"#, #"{"step":2}"#, #"{"step":3}"#])
        #expect(folder.contents == ["log.csv", "log.jsonl"])
    }

    @Test func dropsTheLinesAfterTheCheckpoint() throws {
        let path = folder.file("log.jsonl")
        let log = try RunLog(path: path)
        try log.append([("preset", .text("demo"))])
        for step in 1...6 { try log.append([("step", .integer(step))]) }
        try log.append([("epoch", .integer(1))])
        try log.truncate(after: 4)
        #expect(
            try lines(path) == [
                #"{"preset":"demo"}"#, #"{"step":1}"#, #"{"step":2}"#, #"{"step":3}"#, #"{"step":4}"#, #"{"epoch":1}"#,
            ])
        try log.append([("step", .integer(5))])
        #expect(try lines(path).last == #"{"step":5}"#)
        #expect(try lines(path).count == 7)
    }

    @Test func dropsWhatALossOfPowerLeft() throws {
        let path = folder.write(
            Array("{\"step\":1}\n".utf8) + [0, 0, 0, 10] + Array("{\"step\":2}\n".utf8), to: "log.jsonl")
        _ = try RunLog(path: path)
        #expect(try lines(path) == [#"{"step":1}"#, #"{"step":2}"#])
    }

    @Test func reportsAFolderThatDoesNotExist() {
        let error = #expect(throws: FileError.self) { try RunLog(path: folder.file("missing/log.jsonl")) }
        #expect(error?.number == ENOENT)
    }

    @Test func aStrangersEventFileDoesNoHarm() throws {
        _ = folder.write([], to: "events.out.tfevents.1.\(Int.max)")
        let log = try RunLog(path: folder.file("log.jsonl"))
        try log.append([("event", .text("step")), ("step", .integer(1)), ("loss", .number(2))])
        #expect(folder.contents.filter { $0.hasSuffix(".000000") }.count == 1)
    }
}
