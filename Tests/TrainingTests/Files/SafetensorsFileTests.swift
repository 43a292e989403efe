import ApusTraining
import Foundation
import Testing

/// The same numbers on every machine.
private struct LinearGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 32
    }
}

/// A safetensors file from a header's text and the bytes after it.
func safetensors(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    return withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian, Array.init) + text + data
}

@Suite struct SafetensorsFileTests {
    private let folder = TemporaryFolder()

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(contentsOf: folder.write(bytes, to: "file.safetensors"))
    }

    @Test func readsNamesShapesAndMetadataOfAFixture() throws {
        let file = try SafetensorsFile(contentsOf: fixture("metrics.safetensors"))
        #expect(file.names.count == 9)
        #expect(file.names == file.names.sorted())
        #expect(file.contains("input.labels") && !file.contains("input.label"))
        #expect(try file.shape("input.probabilities") == [200, 4])
        #expect(try file.elementType("input.probabilities") == .f64)
        #expect(try file.shape("expect.confusion") == [4, 4])
        #expect(file.metadata == ["fixture": #"{"kind": "metrics", "n": 200, "classes": 4}"#])
        // Every image was counted once, and every row of probabilities sums to one.
        #expect(try file.integers("expect.confusion").reduce(0, +) == 200)
        let probabilities = try file.doubles("input.probabilities")
        for row in 0..<200 {
            #expect(abs(probabilities[row * 4..<row * 4 + 4].reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test func convertsEveryElementType() throws {
        let file = try open(
            safetensors(
                #"{"half":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},"#
                    + #""brain":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},"#
                    + #""single":{"dtype":"F32","shape":[],"data_offsets":[16,20]},"#
                    + #""double":{"dtype":"F64","shape":[1],"data_offsets":[20,28]},"#
                    + #""byte":{"dtype":"I8","shape":[2],"data_offsets":[28,30]},"#
                    + #""flag":{"dtype":"BOOL","shape":[2,1],"data_offsets":[30,32]},"#
                    + #""word":{"dtype":"U32","shape":[1],"data_offsets":[32,36]},"#
                    + #""long":{"dtype":"I64","shape":[1],"data_offsets":[36,44]},"#
                    + #""none":{"dtype":"F32","shape":[0,7],"data_offsets":[44,44]}}"#,
                data: [0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B, 0x00, 0xFC, 0x00, 0x80]  // halves
                    + [0x80, 0x3F, 0x20, 0xC1]
                    + [0x00, 0x00, 0x20, 0x41]
                    + [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]
                    + [0x80, 0x7F] + [0, 1] + [0xFF, 0xFF, 0xFF, 0xFF] + [0xFE, 255, 255, 255, 255, 255, 255, 255]))
        let halves = try file.floats("half")
        #expect(halves == [1, -2, 0x1p-24, 65504, -.infinity, 0])
        #expect(halves[5].sign == .minus)
        #expect(try file.floats("brain") == [1, -10])
        #expect(try file.floats("single") == [10] && file.doubles("single") == [10])
        #expect(try file.floats("double") == [1.5] && file.doubles("double") == [1.5])
        #expect(try file.integers("byte") == [-128, 127])
        #expect(try file.integers("flag") == [0, 1])
        #expect(try file.integers("word") == [4_294_967_295])
        #expect(try file.integers("long") == [-2])
        #expect(try file.floats("none").isEmpty && file.shape("none") == [0, 7])
        #expect(try file.bytes("brain") == [0x80, 0x3F, 0x20, 0xC1])
        #expect(try file.withBytes("single") { $0.loadUnaligned(as: Float.self) } == 10)
    }

    /// What cannot be read keeps nobody from the rest.
    @Test func otherElementTypesStopNothing() throws {
        let file = try open(
            safetensors(
                #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                    + #""scale":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[4,6]},"#
                    + #""c":{"dtype":"C64","shape":[1],"data_offsets":[6,14]},"#
                    + #""packed":{"dtype":"F4","shape":[4],"data_offsets":[14,16]}}"#,
                data: [0, 0, 0x80, 0x3F, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9]))
        #expect(file.names == ["c", "scale", "w"] && file.unknownTypes == ["packed": "F4"])
        #expect(try file.floats("w") == [1] && file.bytes("scale") == [1, 2] && file.elementType("c") == .c64)
        for name in ["scale", "c"] { #expect(throws: SafetensorsError.self) { try file.floats(name) } }
        let error = #expect(throws: SafetensorsError.self) { try file.shape("packed") }
        #expect(error?.code == .wrongElementType && error?.message == "the element type \"F4\" is not read")
        let weights = try WeightsFile(contentsOf: file.path)
        #expect(weights.names == file.names && weights.skipped == ["packed: a tensor of F4 is not read"])
    }

    @Test func metadataCanBeNull() throws {
        let file = try open(
            safetensors(#"{"__metadata__": null ,"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
        #expect(file.metadata.isEmpty && file.names == ["x"])
        #expect(throws: SafetensorsError.self) { try open(safetensors(#"{"__metadata__":nul,"#)) }
    }

    @Test func copiesIntoMemoryOfExactlyItsSize() throws {
        let file = try open(
            safetensors(
                #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: [1, 2, 3]))
        var three: [UInt8] = [0, 0, 0]
        try three.withUnsafeMutableBytes { try file.copy("x", into: $0) }
        #expect(three == [1, 2, 3])
        var four: [UInt8] = [9, 9, 9, 9]
        let error = #expect(throws: SafetensorsError.self) {
            try four.withUnsafeMutableBytes { try file.copy("x", into: $0) }
        }
        #expect(error?.code == .wrongSize)
        #expect(four == [9, 9, 9, 9])
    }

    @Test func errorsNameThePathTheTensorAndTheFault() throws {
        let path = fixture("metrics.safetensors")
        let file = try SafetensorsFile(contentsOf: path)
        let missing = #expect(throws: SafetensorsError.self) { try file.floats("weights") }
        #expect(missing?.description == "\(path): tensor \"weights\": not in this file")
        let wrong = #expect(throws: SafetensorsError.self) { try file.floats("input.labels") }
        #expect(wrong?.description == "\(path): tensor \"input.labels\": I64 cannot be read as floating-point numbers")
        let absent = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: folder.file("absent")) }
        #expect(absent?.code == .unreadable)
        #expect(
            absent?.description.hasPrefix("\(folder.path)/absent: cannot open: No such file or directory (") == true)
        let aFolder = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: folder.path) }
        #expect(aFolder?.code == .unreadable)
    }

    @Test func resolvesEscapesInNames() throws {
        let file = try open(
            safetensors(
                #"{"__metadata__" : {"a\n\"\\\/":"\u00e9\ud83d\ude00ü"} , "\t\u0041":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}   "#
            ))
        #expect(file.metadata == ["a\n\"\\/": "é😀ü"])
        #expect(file.names == ["\tA"])
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        let what: String
        let code: SafetensorsError.Code
        let message: String
        let bytes: [UInt8]
        var testDescription: String { what }

        /// A file with one tensor, `x`.
        static func tensor(
            _ what: String, _ entry: String, data: Int = 8, _ code: SafetensorsError.Code, _ message: String
        ) -> Hostile {
            Hostile(
                what: what, code: code, message: message,
                bytes: safetensors("{\"x\":{\(entry)}}", data: .init(repeating: 0, count: data)))
        }

        /// A file with the given text as its header and no data.
        static func header(_ what: String, _ text: String, _ message: String) -> Hostile {
            Hostile(what: what, code: .malformedHeader, message: message, bytes: safetensors(text))
        }

        /// A file with byte tensors that claim the given ranges of eight bytes of data.
        static func layout(_ what: String, _ ranges: [Range<Int>], _ message: String) -> Hostile {
            let entries = ranges.enumerated().map { index, range in
                "\"t\(index)\":{\"dtype\":\"U8\",\"shape\":[\(range.count)],\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}"
            }
            return Hostile(
                what: what, code: .invalidLayout, message: message,
                bytes: safetensors("{\(entries.joined(separator: ","))}", data: .init(repeating: 0, count: 8)))
        }
    }

    static let hostile: [Hostile] = [
        Hostile(what: "empty file", code: .malformedHeader, message: "this is an empty file", bytes: []),
        Hostile(
            what: "seven bytes", code: .malformedHeader, message: "not a safetensors file: 7 bytes",
            bytes: .init(repeating: 0, count: 7)),
        Hostile(
            what: "header longer than the file", code: .malformedHeader, message: "claims 3 bytes, and only 2 follow",
            bytes: safetensors("{}", length: 3)),
        Hostile(
            what: "header over the limit", code: .malformedHeader, message: "claims 100000001 bytes",
            bytes: safetensors("{}", length: 100_000_001)),
        Hostile(
            what: "header of 2^64 - 1 bytes", code: .malformedHeader, message: "claims 18446744073709551615 bytes",
            bytes: safetensors("{}", length: .max)),
        .header("no header", "", "expected '{'"),
        .header("not JSON", "hello", "expected '{'"),
        .header("not an object", "[1,2]", "expected '{'"),
        .header("unfinished object", "{", "expected '\"'"),
        .header("unfinished string", #"{"a"#, "ends inside a string"),
        .header("comma at the end", #"{"__metadata__":{},}"#, "expected '\"'"),
        .header("text after the object", "{} x", "text after the header's object"),
        .header("zero byte after the object", "{}\0", "text after the header's object"),
        .header("metadata not an object", #"{"__metadata__":"a"}"#, "expected '{'"),
        .header("metadata not text", #"{"__metadata__":{"a":1}}"#, "expected '\"'"),
        .header("metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#, "stands twice"),
        .header("metadata key twice", #"{"__metadata__":{"a":"","a":""}}"#, "stands twice"),
        .header("tensor not an object", #"{"x":[]}"#, "expected '{'"),
        .header("tensor without offsets", #"{"x":{"dtype":"U8","shape":[0]}}"#, "two \"data_offsets\""),
        .header("one offset", #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0]}}"#, "two \"data_offsets\""),
        .header("three offsets", #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}"#, "more than 2 numbers"),
        .header(
            "field twice", #"{"x":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
            "unknown here or stands twice"),
        .header(
            "unknown field", #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"file":"/etc/passwd"}}"#,
            "unknown here"),
        .header(
            "rank of 65",
            #"{"x":{"dtype":"U8","shape":[\#(Array(repeating: "1", count: 65).joined(separator: ","))]}}"#,
            "more than 64 numbers"),
        .header("extent with a fraction", #"{"x":{"dtype":"U8","shape":[1.5]}}"#, "\"1.5\" is not an integer"),
        .header("extent as text", #"{"x":{"dtype":"U8","shape":["1"]}}"#, "is not an integer"),
        .header(
            "extent of 2^63", #"{"x":{"dtype":"U8","shape":[9223372036854775808]}}"#, "is not an integer of 64 bits"),
        .header(
            "name twice",
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
            "the name stands twice"),
        .header("half a surrogate pair", #"{"\ud800":{}}"#, "surrogate"),
        .header("unknown escape", #"{"\x":{}}"#, "unknown escape"),
        .header("line break in a string", "{\"a\nb\":{}}", "control character"),
        Hostile(
            what: "name not UTF-8", code: .malformedHeader, message: "text is not UTF-8",
            bytes: withUnsafeBytes(of: UInt64(6), Array.init) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D]),
        .tensor(
            "unknown element type beyond the data", #""dtype":"F31","shape":[2],"data_offsets":[0,9]"#, .invalidTensor,
            "beyond the 8 bytes"),
        .tensor(
            "unknown element type with a hole", #""dtype":"F31","shape":[2],"data_offsets":[1,8]"#, .invalidLayout,
            "leaves a hole before it"),
        .tensor(
            "negative extent", #""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#, .invalidTensor,
            "shape [-2] is negative"),
        .tensor(
            "two negative extents", #""dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]"#, .invalidTensor,
            "is negative"),
        .tensor(
            "overflowing shape", #""dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]"#, .invalidTensor,
            "larger than any memory"),
        .tensor(
            "negative offset", #""dtype":"F32","shape":[2],"data_offsets":[-8,0]"#, .invalidTensor,
            "negative or reversed"),
        .tensor(
            "reversed offsets", #""dtype":"F32","shape":[2],"data_offsets":[8,0]"#, .invalidTensor,
            "negative or reversed"),
        .tensor(
            "offsets beyond the data", #""dtype":"F32","shape":[4],"data_offsets":[0,16]"#, .invalidTensor,
            "beyond the 8 bytes"),
        .tensor(
            "largest offset", #""dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]"#, .invalidTensor,
            "beyond the 8 bytes"),
        .tensor(
            "size unlike the shape", #""dtype":"F32","shape":[3],"data_offsets":[0,8]"#, .invalidTensor,
            "F32[3] takes 12 bytes, not 8"),
        .tensor(
            "trailing bytes", #""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, data: 9, .invalidLayout,
            "1 bytes follow the last tensor"),
        .layout("overlap", [0..<5, 4..<8], "overlaps the tensor before it"),
        .layout("the same bytes twice", [0..<8, 0..<8], "overlaps the tensor before it"),
        .layout("hole", [0..<3, 4..<8], "leaves a hole before it"),
        .layout("hole at the start", [1..<8], "leaves a hole before it"),
    ]

    @Test(arguments: hostile) func refusesHostileFiles(_ hostile: Hostile) throws {
        let error = #expect(throws: SafetensorsError.self) { try open(hostile.bytes) }
        #expect(error?.code == hostile.code)
        #expect(error?.message.contains(hostile.message) == true, "\(error?.description ?? "")")
        #expect(error?.path == folder.file("file.safetensors"))
    }

    @Test func refusesEveryShortenedFile() throws {
        let whole = try contents(of: fixture("metrics.safetensors"))
        for count in stride(from: 0, to: whole.count, by: 97) {
            #expect(throws: SafetensorsError.self) { try open(Array(whole[..<count])) }
        }
        #expect(throws: SafetensorsError.self) { try open(whole + [0]) }
    }

    /// Whatever a damaged header says, the file is refused, or every tensor has as many elements as its shape.
    @Test func readsNothingWrongFromADamagedHeader() throws {
        let whole = try contents(of: fixture("metrics.safetensors"))
        var random = LinearGenerator(state: 1)
        var refused = 0
        for _ in 0..<1000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<768, using: &random)] = UInt8.random(in: 0x20..<0x7F, using: &random)
            }
            guard let file = try? open(bytes) else {
                refused += 1
                continue
            }
            for name in file.names {
                let width = try file.elementType(name).byteCount
                #expect(try file.bytes(name).count == file.shape(name).reduce(width, *))
            }
        }
        #expect((500..<1000).contains(refused))
    }

    @Test func refusesAPipeWithoutWaitingForAWriter() throws {
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: pipe) }
        #expect(error?.code == .unreadable)
    }

    @Test func cutsALongNameInMessages() throws {
        let name = String(repeating: "n", count: 100_000)
        let error = #expect(throws: SafetensorsError.self) {
            try open(safetensors("{\"\(name)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,0]}}"))
        }
        #expect((error?.description.count ?? .max) < 1000)
    }
}
