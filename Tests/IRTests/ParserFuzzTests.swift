import ApusIR
import ApusTestSupport
import Testing

/// Mutated texts either give an error or a graph that verifies and prints to itself; none may trap.
@Suite struct ParserFuzzTests {
    private static let tokens =
        [
            "%0", "%1", "%", "{", "}", "[", "]", ",", ":", "=", "\"", "\\", "//", "\n", "-1", "0", "1", "7",
            "9223372036854775807", "-9223372036854775808",
            "1e308", "nan", "true", "f32", "i32", "bool", "f32[]", "f32[0]", "[1,2]", "return", "update", "graph", "@",
            "é",
        ] + OperationRegistry.all.map { $0.name }

    private func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<random.integer(1...3) {
            let place = random.integer(0...bytes.count - 1), end = min(bytes.count, place + random.integer(1...12))
            switch random.integer(0...4) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: Self.tokens[random.integer(0...Self.tokens.count - 1)].utf8, at: place)
            case 2: bytes[place] = UInt8(random.integer(0...255))
            case 3:
                bytes.replaceSubrange(place..<end, with: Self.tokens[random.integer(0...Self.tokens.count - 1)].utf8)
            default: replaceNumber(&bytes, from: place, &random)
            }
            if bytes.isEmpty { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces the next number by an odd one, so that the text stays well formed and only its meaning suffers.
    private func replaceNumber(_ bytes: inout [UInt8], from place: Int, _ random: inout SeededGenerator) {
        let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
        guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
        let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
        let odd = [
            "-1", "0", "1", "2", "3", "50", "4294967296", "4611686018427387904", "9223372036854775807", "1e9",
            "-9223372036854775808",
        ]
        bytes.replaceSubrange(start..<end, with: random.pick(odd).utf8)
    }

    private func check(_ text: String, seed: UInt64) {
        guard let graph = try? Graph(parsing: text) else { return }
        #expect(throws: Never.self, "seed \(seed):\n\(text)") { try graph.verify() }
        let again = try? Graph(parsing: graph.text())
        #expect(again == graph, "seed \(seed):\n\(text)")
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func mutatedRandomGraphs(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let text = try RandomGraph(seed: seed, .init(steps: 4)).graph.text()
        for _ in 0..<40 { check(mutated(text, &random), seed: seed) }
    }

    @Test(arguments: operationSamples)
    func mutatedOperations(_ sample: OperationSample) throws {
        let text = try sample.graph().text()
        var random = SeededGenerator(seed: 11)
        for _ in 0..<150 { check(mutated(text, &random), seed: 11) }
    }
}
