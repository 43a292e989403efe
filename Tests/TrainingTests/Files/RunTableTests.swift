import ApusTestSupport
import ApusTraining
import Foundation
import Testing

/// The log as a table, and as TensorBoard reads it.
@Suite struct RunTableTests {
    private let folder = TemporaryFolder()

    private func table() throws -> String { try String(contentsOfFile: folder.file("log.csv"), encoding: .utf8) }

    /// Lines as a run has them.
    private static let start: [(String, RunLog.Value)] = [
        ("event", .text("start")), ("step", .integer(0)), ("images", .integer(32)),
        ("class_names", .list([.text("a"), .text("b, c")])),
    ]
    private static func line(_ event: String, _ step: Int, loss: Double, path: String? = nil) -> [(
        String, RunLog.Value
    )] {
        [("event", .text(event)), ("epoch", .integer(step / 4)), ("step", .integer(step))]
            + (path.map { [("path", .text($0))] } ?? [])
            + [("loss", .number(loss)), ("seconds", .number(Double(step) / 2))]
    }

    @Test func linesBecomeRowsWithAColumnForEachField() throws {
        let log = try RunLog(path: folder.file("log.jsonl"))
        #expect(try table() == "")
        try log.append(Self.start)
        #expect(try table() == "event,step,class_names,images\nstart,0,\"a;b, c\",32\n")
        try log.append(Self.line("step", 1, loss: 0.5))
        try log.append(Self.line("step", 2, loss: .nan))
        try log.append([("event", .text("note \"x\"\n")), ("best", .flag(true)), ("none", .null)])
        #expect(
            try table() == """
                event,epoch,step,best,class_names,images,loss,none,seconds
                start,,0,,"a;b, c",32,,,
                step,0,1,,,,0.5,,0.5
                step,0,2,,,,NaN,,1
                "note ""x""\n",,,true,,,,,

                """)
    }

    @Test func allThreeLogsAreTruncatedAlike() throws {
        let path = folder.file("log.jsonl")
        let log = try RunLog(path: path)
        try log.append(Self.start)
        for step in 1...6 { try log.append(Self.line("step", step, loss: Double(step))) }
        let whole = try (table(), numbers())
        #expect(whole.1.map(\.step) == [1, 2, 3, 4, 5, 6])
        try log.truncate(after: 3)
        #expect(try table().split(separator: "\n").count == 5)
        #expect(try numbers().map(\.step) == [1, 2, 3])
        for step in 4...6 { try log.append(Self.line("step", step, loss: Double(step))) }
        #expect(try table() == whole.0 && numbers() == whole.1)
        // A process that was killed while it wrote: the next one makes the tables anew.
        for name in folder.contents where name != "log.jsonl" {
            let bytes = try contents(of: folder.file(name))
            _ = folder.write(bytes.dropLast(3), to: name)
        }
        _ = try RunLog(path: path)
        #expect(try table() == whole.0 && numbers() == whole.1)
        #expect(folder.contents.filter { $0.contains("tfevents") }.count == 1)
    }

    @Test func eventsHaveTagsStepsTimesAndChecksums() throws {
        let log = try RunLog(path: folder.file("log.jsonl"))
        try log.append(Self.start)
        #expect(folder.contents == ["log.csv", "log.jsonl"])
        try log.append(
            Self.line("step", 300, loss: 0.1) + [
                ("rate", .integer(-7)), ("masking", .text("random")), ("best", .flag(true)),
            ])
        try log.append(Self.line("validation", 301, loss: .infinity, path: "masked"))
        try log.append([("event", .text("note")), ("step", .integer(302))])
        let numbers = try numbers()
        #expect(
            numbers == [
                .init(step: 300, tag: "step/loss", value: 0.1), .init(step: 300, tag: "step/rate", value: -7),
                .init(step: 301, tag: "validation/masked/loss", value: .infinity),
            ])
        let name = try #require(folder.contents.first { $0.contains("tfevents") })
        let start = try #require(name.split(separator: ".").dropFirst(3).first.flatMap { Double($0) })
        #expect(try events().map(\.time) == [start, start, start + 150, start + 150.5])
        #expect(try events().first?.version == "brain.Event:2")
    }

    /// The check value of CRC-32C of the catalogue of parametrised CRC algorithms, by this test's own code.
    @Test func theChecksumIsTheOneOfTheFormat() {
        #expect(checksum(Array("123456789".utf8), polynomial: 0x82F6_3B78) == 0xE306_9283)
    }

    // MARK: Reading event files

    private struct Number: Equatable {
        var step: Int, tag: String, value: Float
    }

    private struct Event {
        var time = 0.0, step = 0, version = ""
        var numbers: [Number] = []
    }

    private func numbers() throws -> [Number] { try events().flatMap(\.numbers) }

    /// Reads all records, whose lengths and checksums have to be right.
    private func events() throws -> [Event] {
        var events: [Event] = []
        for name in folder.contents where name.contains("tfevents") {
            var rest = try contents(of: folder.file(name))[...]
            while !rest.isEmpty {
                let length = Array(rest.prefix(8))
                let count = Int(Self.integer(length))
                #expect(Self.integer(Array(rest.dropFirst(8).prefix(4))) == UInt64(Self.masked(length)))
                let content = Array(rest.dropFirst(12).prefix(count))
                #expect(Self.integer(Array(rest.dropFirst(12 + count).prefix(4))) == UInt64(Self.masked(content)))
                events.append(Self.event(content))
                rest = rest.dropFirst(16 + count)
            }
        }
        return events
    }

    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let checksum = checksum(bytes, polynomial: 0x82F6_3B78)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }

    private static func integer(_ bytes: [UInt8]) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    private static func event(_ bytes: [UInt8]) -> Event {
        var event = Event()
        for field in fields(bytes) {
            switch field.number {
            case 1: event.time = Double(bitPattern: integer(field.bytes))
            case 2: event.step = Int(integer(field.bytes))
            case 3: event.version = String(decoding: field.bytes, as: UTF8.self)
            case 5:
                event.numbers = fields(field.bytes).map { value in
                    let parts = fields(value.bytes)
                    return Number(
                        step: event.step, tag: String(decoding: parts[0].bytes, as: UTF8.self),
                        value: Float(bitPattern: UInt32(integer(parts[1].bytes))))
                }
            default: #expect(field.number == 7)
            }
        }
        return event
    }

    /// The fields of a protocol buffer; numbers as eight or four little-endian bytes.
    private static func fields(_ bytes: [UInt8]) -> [(number: Int, bytes: [UInt8])] {
        var rest = bytes[...]
        func variable() -> UInt64 {
            var value: UInt64 = 0, shift: UInt64 = 0
            while let byte = rest.popFirst() {
                value |= UInt64(byte & 0x7F) << shift
                shift += 7
                if byte & 0x80 == 0 { break }
            }
            return value
        }
        var fields: [(number: Int, bytes: [UInt8])] = []
        while !rest.isEmpty {
            let key = variable()
            let content: [UInt8] =
                switch key & 7 {
                case 0: Pickled.little(variable())
                case 1: Array(rest.prefix(8))
                case 2:
                    {
                        let count = Int(variable()); return Array(rest.prefix(count))
                    }()
                default: Array(rest.prefix(4))
                }
            if key & 7 != 0 { rest = rest.dropFirst(content.count) }
            fields.append((Int(key >> 3), content))
        }
        return fields
    }
}
