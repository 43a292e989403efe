import Apus
import MSMAE
import Testing

@Suite struct ConfigurationTests {
    private func mistake(_ change: (inout Configuration) -> Void) -> ConfigurationError? {
        var configuration = Configuration.demo
        change(&configuration)
        do {
            _ = try MaskedAutoencoder(configuration)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: Configuration.presets.map(\.name))
    func presetsAreValid(name: String) throws {
        _ = try MaskedAutoencoder(try #require(Configuration.preset(name)))
    }

    @Test func presetsHaveTheirSizes() {
        let base = Configuration.base, huge = Configuration.huge
        #expect([base.image, base.patch, base.dim, base.depth, base.heads] == [224, 16, 768, 12, 12])
        #expect([base.decoderDim, base.decoderDepth, base.decoderHeads, base.tokens] == [512, 8, 16, 196])
        #expect([huge.patch, huge.dim, huge.depth, huge.heads, huge.tokens] == [14, 1280, 32, 16, 256])
        #expect(Configuration.demo.tokens == 64)
        #expect(Configuration.preset("none") == nil)
    }

    @Test func sizesThatMakeNoModel() {
        #expect(mistake { $0.patch = 0 } == .sizeOutOfRange(name: "patch", value: 0))
        #expect(mistake { $0.image = .max } == .sizeOutOfRange(name: "image", value: .max))
        #expect(mistake { $0.classes = 0 } == .sizeOutOfRange(name: "classes", value: 0))
        #expect(mistake { $0.patch = 7 } == .patchDoesNotDivideImage(patch: 7, image: 64))
        #expect(mistake { $0.heads = 5 } == .headsDoNotDivide(part: "encoder", heads: 5, dim: 96))
        #expect(mistake { $0.decoderHeads = 3 } == .headsDoNotDivide(part: "decoder", heads: 3, dim: 64))
        #expect(
            mistake {
                $0.dim = 90; $0.heads = 3
            } == .dimensionWithoutPositions(part: "encoder", dim: 90))
        #expect(mistake { $0.layerNormEpsilon = -1 } == .numberOutOfRange(name: "layer norm epsilon", value: -1))
    }

    @Test func ratiosThatMakeNoModel() {
        #expect(mistake { $0.maskRatio = -0.1 } == .ratioOutOfRange(name: "mask ratio", value: -0.1))
        #expect(mistake { $0.throwRatio = 0.9 } == .ratioOutOfRange(name: "mask ratio + throw ratio", value: 1.35))
        #expect(mistake { $0.randomMaskRatio = 1 } == .nothingIsVisible(masking: .random, tokens: 64))
        #expect(mistake { $0.throwRatio = 0.55 } == .nothingIsVisible(masking: .attention, tokens: 64))
        #expect(mistake { $0.maskRatio = 0 } == .nothingIsPredicted(masking: .attention, tokens: 64))
        #expect(mistake { $0.randomMaskRatio = 0 } == .nothingIsPredicted(masking: .random, tokens: 64))
        if case .ratioOutOfRange(let name, _) = mistake({ $0.randomMaskRatio = .nan }) {
            #expect(name == "random mask ratio")
        } else {
            Issue.record()
        }
    }

    @Test(arguments: [0, -1, .max])
    func impossibleBatchesAreReportedNotTrapped(batch: Int) throws {
        let model = try MaskedAutoencoder(.demo)
        let optimizer = Optimizer.sgd(learningRate: 1)
        for masking in Masking.allCases {
            for source in [PermutationSource.drawn, .replayed] {
                #expect(throws: GraphErrors.self) {
                    try model.preTraining(batch: batch, masking: masking, permutation: source, optimizer: optimizer)
                        .trace()
                }
                #expect(throws: GraphErrors.self) {
                    try model.reconstruction(batch: batch, masking: masking, permutation: source).trace()
                }
                #expect(throws: GraphErrors.self) {
                    try model.classification(batch: batch, masking: masking, permutation: source).trace()
                }
            }
        }
        #expect(throws: GraphErrors.self) { try model.fineTuning(batch: batch, optimizer: optimizer).trace() }
        #expect(throws: GraphErrors.self) { try model.classification(batch: batch).trace() }
        #expect(throws: GraphErrors.self) { try model.attentionMap(batch: batch).trace() }
    }

    @Test func mistakesAreWordedForTheUser() {
        func text(_ error: ConfigurationError) -> String { error.description }
        #expect(
            text(.patchDoesNotDivideImage(patch: 7, image: 64))
                == "an image of 64 pixels is not a whole number of patches of 7")
        #expect(
            text(.nothingIsVisible(masking: .attention, tokens: 64))
                == "attention masking leaves none of 64 patches to see")
        #expect(text(.sizeOutOfRange(name: "patch", value: 0)) == "patch is 0; it must be from 1 to 65536")
    }
}
