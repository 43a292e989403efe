import ApusIR
import ApusLayers
import Testing

/// A model whose head is tied to the table of its embedding, at any depth of names.
private struct LanguageModel: Layer {
    let wte = Embedding(9, 4, initializer: .normal(deviation: 0.02)).named("wte")
    var body: some Layer {
        Sequential {
            wte
            Linear(4, 4).named("mix")
        }.named("transformer")
        Linear(tiedTo: wte, bias: false).named("lm_head")
    }
}

/// Heads that multiply by the table of an embedding.
@Suite struct TiedWeightTests {
    private func trace(_ body: @escaping (Tensor) -> Tensor) throws -> Graph {
        try InferenceStep { Output("y", body(Input("x", [2, 3], .int32))) }.trace()
    }

    @Test func headAndEmbeddingAreOneWeight() throws {
        let graph = try trace { LanguageModel()($0) }
        let table = try #require(graph.parameters.first)
        #expect(
            graph.parameters.map(\.operation.name) == [
                "transformer.wte.weight", "transformer.mix.weight", "transformer.mix.bias",
            ])
        #expect(table.operation.initializer == .normal(deviation: 0.02))
        #expect(graph.nodes.filter { $0.operands.contains(table.value) }.count == 2)
        #expect(graph[graph.results[0].value].type.shape == [2, 3, 9])
    }

    @Test func theBiasIsTheHeadsOwn() throws {
        let graph = try trace { x in
            let table = Embedding(5, 4).named("table")
            return Sequential {
                table
                Linear(tiedTo: table)
            }(x)
        }
        #expect(graph.parameters.map(\.operation.name) == ["table.weight", "1.bias"])
        #expect(graph.parameters[1].operation.initializer == .uniform(bound: 0.5))
    }

    /// In a scope that freezes it, the embedding is not trained by its head either.
    @Test func aFrozenTableStaysFrozen() throws {
        let step = TrainingStep(optimizer: .sgd(learningRate: 1)) {
            let table = Embedding(5, 4).named("table"), x = Input("x", [3], .int32)
            Loss(mean(Linear(tiedTo: table).named("head")(frozen { table(x) })))
        }
        let graph = try step.trace().graph
        #expect(graph.parameters.filter(\.operation.trainable).map(\.operation.name) == ["head.bias"])
    }

    @Test func anotherValueIsNoTie() throws {
        let line = #line + 2
        let text = mistakes {
            _ = try trace { _ in Linear(tiedTo: Embedding(5, 4).named("table"))(Input("z", [2, 4])) }
        }
        #expect(
            text == [
                "TiedWeightTests.swift:\(line): Linear: is tied to the embedding 'table', which was not called before in this step; call the same value, since .named(_:) makes a new one each time"
            ])
        // What another step has called is not there either.
        let table = Embedding(5, 4).named("table")
        _ = try trace { table($0) }
        #expect(mistakes { _ = try trace { _ in Linear(tiedTo: table)(Input("z", [2, 4])) } }.count == 1)
    }

    @Test func anEmbeddingWithAMistakeIsReportedOnce() throws {
        let text = mistakes {
            _ = try trace { x in
                let table = Embedding(0, 4).named("table")
                return Linear(tiedTo: table)(table(x))
            }
        }
        #expect(text.count == 2 && text[0].contains("holds no elements") && text[1].contains("'bias'"), "\(text)")
    }

    @Test func initializersOfLayers() throws {
        func starts(_ layer: some Layer, _ shape: [Int]) throws -> [Initializer] {
            try InferenceStep { Output("y", layer(Input("x", shape))) }.trace().parameters.map(\.operation.initializer)
        }
        let start = Initializer.normal(mean: 0.5, deviation: 0.1), image = [1, 4, 6, 6]
        #expect(try starts(Conv2D(4, 2, kernel: 3, initializer: start), image) == [start, .zeros])
        #expect(try starts(Conv2D(4, 2, kernel: 3), image) == [.uniform(bound: 1.0 / 6), .uniform(bound: 1.0 / 6)])
        #expect(try starts(ConvTranspose2D(4, 2, kernel: 2, initializer: start), image) == [start, .zeros])
        #expect(
            try starts(ConvTranspose2D(4, 2, kernel: 2, bias: false, initializer: .xavierUniform), image) == [
                .xavierUniform
            ])
    }
}
