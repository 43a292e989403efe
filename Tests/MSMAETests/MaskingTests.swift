import Apus
import MSMAE
import Testing

/// Patches that are drawn in the graph.
@Suite struct MaskingTests {
    private static var configuration: Configuration {
        var configuration = Configuration()
        (configuration.image, configuration.patch, configuration.channels) = (4, 1, 1)
        (configuration.dim, configuration.depth, configuration.heads) = (4, 1, 1)
        (configuration.decoderDim, configuration.decoderDepth, configuration.decoderHeads) = (4, 1, 1)
        return configuration
    }

    /// The masks of a batch, one row for each image.
    private func masks(
        _ masking: Masking, batch: Int, key: [Double] = [1, 2], weights: [Double] = [],
        _ configuration: Configuration = configuration
    ) throws -> [[Double]] {
        let model = try MaskedAutoencoder(configuration)
        let graph = try model.reconstruction(batch: batch, masking: masking).trace()
        var inputs = [
            "images": HostTensor(TensorType(.f32, [batch, 1, 4, 4])),
            "random_key": HostTensor(TensorType(.i32, [2]), key),
        ]
        if masking == .attention {
            inputs["mask_weights"] = HostTensor(TensorType(.f32, [batch, 16]), (0..<batch).flatMap { _ in weights })
        }
        let parameters = Dictionary(
            uniqueKeysWithValues: graph.parameters.map { ($0.operation.name, HostTensor($0.operation.type)) })
        let mask = try #require(try Interpreter().run(graph, inputs: inputs, parameters: parameters).outputs["mask"])
        return (0..<batch).map { Array(mask.values[$0 * 16..<($0 + 1) * 16]) }
    }

    @Test func everyImageHasTheNumbersOfTheSplit() throws {
        for mask in try masks(.random, batch: 8) {
            #expect(mask.count(where: { $0 == 0 }) == 4 && mask.count(where: { $0 == 1 }) == 12)
        }
        for mask in try masks(.attention, batch: 8, weights: Array(repeating: 0.5, count: 16)) {
            #expect(
                mask.count(where: { $0 == 0 }) == 4 && mask.count(where: { $0 == 1 }) == 7
                    && mask.count(where: { $0 == -1 }) == 5)
        }
    }

    @Test func theKeyDecides() throws {
        let masks = try masks(.random, batch: 4)
        #expect(try self.masks(.random, batch: 4) == masks)
        #expect(try self.masks(.random, batch: 4, key: [1, 3]) != masks)
        #expect(Set(masks).count == 4)
    }

    @Test func weightsAreTheChancesOfTheFirstDraw() throws {
        var configuration = Self.configuration
        (configuration.maskRatio, configuration.throwRatio) = (1.0 / 16, 0)
        let weights = (0..<16).map { $0 < 8 ? 3.0 : 1 }
        let masks = try masks(.attention, batch: 400, weights: weights, configuration)
        let heavy = masks.count { $0.prefix(8).contains(1) }
        // 400 draws with chance 3/4: 300, with a deviation below 9.
        #expect(abs(heavy - 300) < 30)
    }

    @Test func patchesWithoutWeightComeLast() throws {
        let weights = (0..<16).map { $0 % 4 == 1 ? 0.0 : 0.01 }
        for mask in try masks(.attention, batch: 8, weights: weights) {
            #expect(stride(from: 1, to: 16, by: 4).allSatisfy { mask[$0] == 0 })
        }
    }
}
