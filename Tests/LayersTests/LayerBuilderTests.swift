import ApusIR
import ApusLayers
import Testing

/// A layer of every form that a body may take.
private struct Choosing: Layer {
    enum Size { case small, medium, large }
    var isWide = false
    var hasBias = false
    var size = Size.small
    var repeats = 0

    var body: some Layer {
        if isWide { Linear(4, 4).named("wide") }
        if hasBias { Linear(4, 4).named("biased") } else { Linear(4, 4, bias: false).named("plain") }
        switch size {
        case .small: Linear(4, 4).named("small")
        case .medium: Linear(4, 4).named("medium")
        case .large:
            Linear(4, 8).named("large1")
            Linear(8, 4).named("large2")
        }
        for index in 0..<repeats { Linear(4, 4).named("repeat\(index)") }
        if #available(macOS 15, *) { Linear(4, 4).named("available") }
    }
}

private struct Empty: Layer {
    var body: some Layer {}
}

private struct Long: Layer {
    var body: some Layer {
        Linear(4, 4); ReLU(); Linear(4, 4); ReLU(); Linear(4, 4)
        ReLU(); Linear(4, 4); ReLU(); Linear(4, 4); ReLU()
        Linear(4, 4); GELU(); Linear(4, 4); GELU(); Linear(4, 4)
        GELU(); Linear(4, 4); GELU(); Linear(4, 4); GELU()
        Linear(4, 4); Tanh(); Linear(4, 4); Softmax(); Linear(4, 4)
    }
}

private struct Unfinished: Layer {}

@Suite struct LayerBuilderTests {
    private func layers(_ layer: some Layer) throws -> [String] {
        try weightNames(layer).filter { $0.hasSuffix("weight") }.map { String($0.dropLast(".weight".count)) }
    }

    @Test func ifWithoutElse() throws {
        #expect(try layers(Choosing(isWide: true)) == ["wide", "plain", "small", "available"])
        #expect(try layers(Choosing(isWide: false)) == ["plain", "small", "available"])
    }

    @Test func ifWithElse() throws {
        #expect(try weightNames(Choosing(hasBias: true)).prefix(2) == ["biased.weight", "biased.bias"])
        #expect(try weightNames(Choosing(hasBias: false)).prefix(2) == ["plain.weight", "small.weight"])
    }

    @Test func switchOverCases() throws {
        #expect(try layers(Choosing(size: .small)) == ["plain", "small", "available"])
        #expect(try layers(Choosing(size: .medium)) == ["plain", "medium", "available"])
        #expect(try layers(Choosing(size: .large)) == ["plain", "large1", "large2", "available"])
    }

    @Test func forLoop() throws {
        #expect(try layers(Choosing(repeats: 3)) == ["plain", "small", "repeat0", "repeat1", "repeat2", "available"])
    }

    @Test func emptyBodyIsTheIdentity() throws {
        let graph = try graph(Empty(), [2, 4])
        #expect(graph.nodes.count == 1 && graph.results[0].value == graph.inputs[0].value)
        #expect(try weightNames(Sequential {}).isEmpty)
    }

    @Test func manyLayersInOneBody() throws {
        #expect(try layers(Long()) == ["0", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20", "22", "24"])
    }

    @Test func layerWithoutBodyOrCallIsReported() {
        let text = mistakes { _ = try graph(Unfinished(), [2]) }
        #expect(text.count == 1 && text[0].hasSuffix("Unfinished has neither a body nor a callAsFunction(_:)"))
    }
}
