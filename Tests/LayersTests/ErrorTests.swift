import ApusIR
import ApusLayers
import Testing

private struct Broken: Layer {
    static let line = #line + 2
    var body: some Layer {
        Linear(768, 512).named("mlp.fc1")
        GELU()
        Linear(3072, 768).named("mlp.fc2")
    }
}

@Suite struct ErrorTests {
    @Test func mistakesNamePlaceOperationAndLayer() {
        let layer = Sequential {
            Broken(); Broken()
        }.named("blocks")
        #expect(
            mistakes { _ = try graph(layer, [8, 50, 768]) } == [
                "ErrorTests.swift:\(Broken.line + 2): linear: inner dimensions 512 and 3072 differ ([8,50,512] x [768,3072]) in blocks.0.mlp.fc2"
            ])
    }

    @Test func allMistakesAreReportedAtOnce() {
        let line = #line + 2
        func makeStep() -> TrainingStep {
            TrainingStep(optimizer: .sgd(learningRate: -1)) {
                let x = Input("x", [2, 3])
                Metric("first", mean(Linear(4, 1)(x)))
                Metric("second", Linear(3, 1).named("second")(x))
                Metric("third", mean(Linear(5, 1).named("third")(x)))
            }
        }
        #expect(
            mistakes { _ = try makeStep().trace() } == [
                "ErrorTests.swift:\(line + 2): linear: inner dimensions 3 and 4 differ ([2,3] x [1,4])",
                "ErrorTests.swift:\(line + 4): linear: inner dimensions 3 and 5 differ ([2,3] x [1,5]) in third",
                "ErrorTests.swift:\(line + 3): 'second' is f32[2,1], not a scalar",
                "ErrorTests.swift:\(line): a training step has one Loss, this one has 0",
                "ErrorTests.swift:\(line): the learning rate -1.0 is not a number from 0 on",
            ])
    }

    @Test func functionsOnTensorsSayWhereTheyWereCalled() {
        let line = #line + 1
        let text = mistakes { _ = try graph(Apply { $0.reshape([7]) }.named("head"), [2, 4]) }
        #expect(text == ["ErrorTests.swift:\(line): reshape: [2,4] has 8 elements, [7] has 7 in head"])
    }

    @Test func residualThatChangesTheShape() {
        let line = #line + 1
        let text = mistakes { _ = try graph(Residual { Linear(4, 1) }, [2, 4]) }
        #expect(
            text == ["ErrorTests.swift:\(line): Residual: the layers make f32[2,1] of f32[2,4], which cannot be added"])
    }

    @Test(arguments: [(7, 2), (8, 0), (8, 3), (0, 1)])
    func headsThatDoNotDivide(dim: Int, heads: Int) {
        let text = mistakes { _ = try graph(SelfAttention(dim, heads: heads), [1, 2, 8]) }
        #expect(text.count == 1 && text[0].contains("SelfAttention: \(heads) heads do not divide the dimension \(dim)"))
    }

    @Test func impossibleSizesAreReportedNotTrapped() {
        func empty(_ name: String, _ shape: String) -> String {
            "parameter: '\(name)' has the shape \(shape), which holds no elements or too many"
        }
        let line = #line + 1
        let cases = [
            (Linear(4, 0), [2, 4], [empty("weight", "[0,4]"), empty("bias", "[0]")]),
            (Linear(-4, 2), [2, 4], [empty("weight", "[2,-4]")]),
            (Linear(4, 4), [], ["linear: axis -1 is out of range for rank 0"]),
            (Linear(4, .max), [2, 4], [empty("weight", "[\(Int.max),4]"), empty("bias", "[\(Int.max)]")]),
        ]
        for (number, (layer, shape, expected)) in cases.enumerated() {
            let text = mistakes { _ = try graph(layer, shape) }
            #expect(text == expected.map { "ErrorTests.swift:\(line + 1 + number): \($0)" })
        }
        #expect(mistakes { _ = try graph(Apply { $0.reshape([.max, 4]) }, [2, 4]) }.count == 1)
        #expect(mistakes { _ = try graph(Apply { $0.broadcast(to: [.max, 2, 4]) }, [2, 4]) }.count == 1)
        #expect(mistakes { _ = try graph(LayerNorm(3), [2, 4]) }.count == 1)
        #expect(mistakes { _ = try graph(PatchEmbedding(patch: 0, dim: 4), [1, 3, 8, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(PatchEmbedding(patch: 3, dim: 4), [1, 3, 8, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(Conv2D(3, 4, kernel: 9), [1, 3, 8, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(Conv2D(3, 4, kernel: 3, stride: 0), [1, 3, 8, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(MaxPool2D(0), [1, 3, 8, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(AvgPool2D(2), [3, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(GlobalAveragePool(), [3, 8]) }.count == 1)
        #expect(mistakes { _ = try graph(Softmax(), []) }.count == 1)
        #expect(mistakes { _ = try graph(Embedding(3, 4), [2, 4]) }.count == 1)
    }

    @Test(arguments: [Int.min, -1, 0, 1, 1 << 40, Int.max]) func sizesBeyondAllBounds(_ a: Int) {
        let layers: [(any Layer, [Int])] = [
            (Conv1D(2, a, kernel: 1), [1, 2, 3]), (Conv2D(a, 2, kernel: [a, 3], padding: a), [1, 2, 4, 4]),
            (Conv3D(2, 2, kernel: a, padding: 1 << 40), [1, 2, 4, 4, 4]),
            (ConvTranspose2D(2, a, kernel: a, stride: a, groups: a), [1, 2, 4, 4]),
            (MaxPool2D(a, stride: a, padding: a), [1, 2, 4, 4]), (AdaptiveMaxPool2D([a, 1]), [1, 2, 4, 4]),
            (Upsample(factor: a), [1, 2, 4, 4]), (PixelShuffle(a), [1, 4, 2, 2]), (PixelUnshuffle(a), [1, 4, 2, 2]),
            (GroupNorm(groups: a, a), [1, 4, 2]), (LayerNorm([a, 2]), [1, 2]), (PReLU(channels: a), [1, 2]),
            (RNN(2, a), [1, 3, 2]), (LSTM(2, 3, layers: a < 9 ? a : 1 << 40), [1, 3, 2]),
            (SelfAttention(8, heads: a, keyHeads: a), [1, 2, 8]), (MultiheadAttention(a, heads: 2), [1, 2, 8]),
            (Linear(2, 3, initializer: .normal(deviation: Double(a))), [1, 2]), (GLU(axis: a), [2, 4]),
        ]
        for (layer, shape) in layers { _ = try? graph(layer, shape) }
    }

    @Test func wrongRanksAreNamed() {
        let cases: [(any Layer, [Int], String)] = [
            (Conv2D(3, 4, kernel: 3), [3, 8, 8], "Conv2D: takes [n,3,height,width], has [3,8,8]"),
            (Conv1D(3, 4, kernel: 3), [1, 2, 8], "Conv1D: takes [n,3,length], has [1,2,8]"),
            (Conv2D(3, 4, kernel: 3, groups: 2), [1, 3, 8, 8], "Conv2D: 2 groups do not divide 3 channels to 4"),
            (Conv2D(3, 4, kernel: [3]), [1, 3, 8, 8], "Conv2D: a kernel of 3 is none for 2 axes"),
            (
                ConvTranspose3D(3, 4, kernel: 3), [1, 3, 8, 8],
                "ConvTranspose3D: takes [n,3,depth,height,width], has [1,3,8,8]"
            ),
            (MaxPool2D(2), [3, 8, 8], "MaxPool2D: takes [n,c,height,width], has [3,8,8]"),
            (
                MaxPool2D(2, padding: 2), [1, 3, 8, 8],
                "maximumPooling: the padding 2 is more than half of the window 2, so that windows would be empty"
            ),
            (
                AvgPool2D(5, stride: 3, ceilMode: true), [1, 3, 2, 8],
                "averagePooling: a window of 5x5 by 3x3 does not fit into [1,3,2,8] with padding 0x0, even in ceil mode"
            ),
            (RMSNorm(4), [2, 3], "RMSNorm: takes [...,4], has [2,3]"),
            (GroupNorm(groups: 2, 4), [2, 3, 5], "GroupNorm: takes [n,4,...], has [2,3,5]"),
            (InstanceNorm(4), [2, 4], "InstanceNorm: takes [n,4,spatial...], has [2,4]"),
            (LSTM(4, 2), [2, 3], "LSTM: takes [batch,steps,4], has [2,3]"),
            (Dropout(1.5), [2, 3], "Dropout: the rate 1.5 is not in 0..<1"),
            (SelfAttention(4, heads: 2, dropout: 1), [1, 3, 4], "attention: the rate 1.0 is not in 0..<1"),
            (MultiheadAttention(4, heads: 2, dropout: -0.5), [1, 3, 4], "attention: the rate -0.5 is not in 0..<1"),
        ]
        for (number, (layer, shape, expected)) in cases.enumerated() {
            let text = mistakes { _ = try graph(layer, shape) }
            #expect(text.count == 1 && text[0].hasSuffix(expected), "case \(number): \(text)")
        }
    }

    /// Masks for scores [2,6,3,4], of heads that share keys too: what would fit only their groups is refused.
    @Test(arguments: [6, 2])
    func masksThatDoNotFit(keyHeads: Int) {
        for shape in [[3, 3, 4], [2, 3, 3, 4], [2, 3, 3, 4, 1], [2, 2, 3, 3, 4], [3, 3], [2, 1, 3, 5]] {
            let text = mistakes {
                _ = try InferenceStep {
                    let keys = Input("k", [2, 4, keyHeads, 2])
                    Output(
                        "y",
                        attention(
                            queries: Input("q", [2, 3, 6, 2]), keys: keys, values: keys,
                            masks: [.added(Input("mask", shape))]))
                }.trace()
            }
            let expected = "the mask is f32\(shapeText(shape)), which does not broadcast to [2,6,3,4]"
            #expect(text.count == 1 && text[0].hasSuffix(expected), "\(text)")
        }
    }

    @Test func tensorsOfAnotherStepAreRefused() throws {
        var stray: Tensor?
        _ = try InferenceStep("first") {
            let x = Input("x", [2])
            let _ = (stray = x)
            Output("y", x)
        }.trace()
        let other = try #require(stray)
        let line = #line + 1
        let text = mistakes { _ = try InferenceStep("second") { Output("y", Input("x", [2]) + other) }.trace() }
        #expect(text == ["ErrorTests.swift:\(line): add: a tensor of the graph 'first' is used in 'second'"])
    }

    @Test func declarationsOutsideOfAStepAreReported() {
        let line = #line + 1
        let outside = Input("x", [2])
        #expect(
            mistakes { _ = try outside.builder.finish() } == [
                "ErrorTests.swift:\(line): inputs and weights are declared in the closure of a step, not outside of it"
            ])
        #expect(mistakes { _ = try InferenceStep { Output("y", outside) }.trace() }.count == 1)
    }
}
