import ApusIR
import ApusLayers
import Testing

// The example of the guide, word for word.
struct TransformerBlock: Layer {  // [batch, tokens, dim] -> the same
    let dim: Int, heads: Int
    var body: some Layer {
        Residual {
            LayerNorm(dim).named("norm1")
            SelfAttention(dim, heads: heads).named("attn")
        }
        Residual {
            LayerNorm(dim).named("norm2")
            Linear(dim, 4 * dim).named("mlp.fc1")
            GELU()
            Linear(4 * dim, dim).named("mlp.fc2")
        }
    }
}

private struct Encoder: Layer {
    let depth: Int
    var body: some Layer {
        Sequential { for _ in 0..<depth { TransformerBlock(dim: 8, heads: 2) } }.named("blocks")
        LayerNorm(8).named("norm")
    }
}

/// A weight of a layer author, declared once or twice.
private struct Scale: Layer {
    var isUsedTwice = false
    func callAsFunction(_ x: Tensor) -> Tensor {
        let y = x * weight("scale", [4], .ones)
        return isUsedTwice ? y * weight("scale", [4], .ones) : y
    }
}

@Suite struct NamingTests {
    private static let block = [
        "norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias",
        "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias",
    ]

    @Test func namesOfATransformerBlockAreThoseOfTimm() throws {
        #expect(try weightNames(TransformerBlock(dim: 8, heads: 2), [2, 3, 8]) == Self.block)
    }

    @Test func namesJoinDownTheTree() throws {
        let expected =
            (0..<2).flatMap { index in Self.block.map { "blocks.\(index).\($0)" } } + ["norm.weight", "norm.bias"]
        #expect(try weightNames(Encoder(depth: 2), [2, 3, 8]) == expected)
        #expect(
            try weightNames(Encoder(depth: 0).named("encoder"), [2, 3, 8]) == [
                "encoder.norm.weight", "encoder.norm.bias",
            ])
    }

    @Test func layersWithoutNameAreCalledByTheirPosition() throws {
        #expect(
            try weightNames(
                Sequential {
                    Linear(4, 8); ReLU(); Linear(8, 2)
                }) == ["0.weight", "0.bias", "2.weight", "2.bias"])
        let nested = Sequential {
            Sequential { Linear(4, 4, bias: false) }; Linear(4, 4, bias: false)
        }
        #expect(try weightNames(nested) == ["0.0.weight", "1.weight"])
    }

    @Test func residualsAndControlFlowAreTransparent() throws {
        let layer = Sequential {
            Linear(4, 4, bias: false)
            Residual {
                ReLU()
                Linear(4, 4, bias: false)
                Residual { Linear(4, 4, bias: false) }
            }
            for _ in 0..<2 { Linear(4, 4, bias: false) }
            Residual { Linear(4, 4, bias: false) }.named("last")
        }
        #expect(
            try weightNames(layer) == ["0.weight", "2.weight", "3.weight", "4.weight", "5.weight", "last.0.weight"])
    }

    @Test func namedLayersCountAsPositions() throws {
        let layer = Sequential {
            Linear(4, 4, bias: false).named("first"); Linear(4, 4, bias: false)
        }
        #expect(try weightNames(layer) == ["first.weight", "1.weight"])
    }

    @Test func nameInANameAddsAPrefix() throws {
        #expect(try weightNames(Linear(4, 4, bias: false).named("inner").named("outer")) == ["outer.inner.weight"])
    }

    @Test func namedValueThatIsCalledAgainSharesItsWeights() throws {
        let shared = Linear(4, 4).named("shared")
        #expect(try weightNames(Apply { shared(shared($0)) }) == ["shared.weight", "shared.bias"])
        #expect(
            try weightNames(
                Sequential {
                    shared; ReLU(); shared
                }) == ["shared.weight", "shared.bias"])
        let block = Sequential {
            Linear(4, 4, bias: false); Linear(4, 4, bias: false).named("second")
        }
        #expect(try weightNames(Apply { block(block($0)) }) == ["0.weight", "second.weight"])
        let encoder = TransformerBlock(dim: 4, heads: 2).named("encoder")
        #expect(try weightNames(Apply { encoder(encoder($0)) }, [2, 3, 4]).count == 12)
    }

    @Test func differentLayersOfOneNameAreReportedOnceWithBothPlaces() {
        let first = #line + 2
        let layer = Sequential {
            Linear(4, 4).named("fc")
            ReLU()
            Linear(4, 4).named("fc")
        }
        #expect(
            mistakes { _ = try graph(layer, [2, 4]) } == [
                "NamingTests.swift:\(first + 2): two weights are named 'fc.weight' (the other at NamingTests.swift:\(first)); "
                    + "name one of the layers with .named(_:) in fc"
            ])
    }

    @Test func namingInALoopMakesDifferentLayers() {
        let text = mistakes { _ = try graph(Sequential { for _ in 0..<3 { Linear(4, 4).named("fc") } }, [2, 4]) }
        #expect(text.count == 2 && text.allSatisfy { $0.contains("two weights are named 'fc.weight'") })
        let direct = mistakes {
            _ = try graph(Apply { x in (0..<2).reduce(x) { x, _ in Linear(4, 4).named("fc")(x) } }, [2, 4])
        }
        #expect(direct.count == 1)
    }

    @Test func namesThatMeetByDifferentWaysAreReported() {
        let layer = Sequential {
            Linear(4, 4, bias: false).named("a.b")
            Linear(4, 4, bias: false).named("b").named("a")
        }
        let text = mistakes { _ = try graph(layer, [2, 4]) }
        #expect(text.count == 1 && text[0].contains("two weights are named 'a.b.weight'"))
    }

    @Test func directCallsWithoutNameAreReported() {
        let linear = Linear(4, 4)
        #expect(mistakes { _ = try graph(Apply { linear(linear($0)) }, [2, 4]) }.count == 1)
        #expect(mistakes { _ = try graph(Apply { Scale()(Scale()($0)) }, [2, 4]) }.count == 1)
        #expect(mistakes { _ = try graph(Scale(isUsedTwice: true).named("s"), [2, 4]) }.count == 1)
        #expect(throws: Never.self) { _ = try graph(Apply { Scale().named("a")(Scale()($0)) }, [2, 4]) }
    }

    @Test func sharedLayersStillMayNotCollideInside() {
        let twice = Scale(isUsedTwice: true).named("s")
        #expect(mistakes { _ = try graph(Apply { twice(twice($0)) }, [2, 4]) }.count > 0)
    }

    @Test func scopesPrefixNames() throws {
        let layer = Apply { x in
            let y = scope("a") { x * weight("w", [4], .ones) }
            return scope("b") { y * weight("w", [4], .ones) }
        }
        #expect(try weightNames(layer) == ["a.w", "b.w"])
    }
}
