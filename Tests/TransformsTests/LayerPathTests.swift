import ApusIR
import ApusTransforms
import Testing

/// Paths of repeated layers as one text.
struct LayerPathTests {
    private func texts(_ paths: [String]) -> [String] { LayerPaths(paths).groups.map(\.text) }

    @Test func rangesOfNumbers() {
        #expect(texts(["a.0", "a.1", "a.3", "a.7", "a.8", "b", "b"]) == ["a.0…1, 3, 7…8", "b"])
        #expect(texts(["a.2.b.0", "a.3.b.0", "a.2.b.1"]) == ["a.2…3.b.0", "a.2.b.1"])
        #expect(texts(["a.4", "", "a.4"]) == ["a.4", ""])
        #expect(texts([]) == [])
    }

    @Test func membersKeepTheirPlaces() {
        #expect(LayerPaths(["a.1", "b", "a.0", "b"]).groups.map(\.members) == [[0, 2], [1, 3]])
    }
}
