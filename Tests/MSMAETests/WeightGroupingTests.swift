import Apus
import ApusTestSupport
import Foundation
import MSMAE
import Testing

/// The numbers of an optimizer's state become names, by the ways in which public training code groups weights.
@Suite struct WeightGroupingTests {
    private let folder: ScratchFolder
    private static let recorded = Recordings.path("checkpoint").replacingOccurrences(of: ".safetensors", with: ".pth")

    init() throws { folder = try ScratchFolder() }

    private func open(_ zip: ZipBytes) throws -> TorchCheckpoint {
        // A name of its own: a file that is mapped must not be written again.
        let path = folder.file("\(UUID().uuidString).pth")
        try Data(zip.bytes).write(to: URL(fileURLWithPath: path))
        return try TorchCheckpoint(contentsOf: path, groupings: .visionTransformer)
    }

    @Test func numbersOfTheOptimizerBecomeNames() throws {
        let checkpoint = try TorchCheckpoint(contentsOf: Self.recorded, groupings: .visionTransformer)
        let optimizer = try #require(try checkpoint.optimizer())
        #expect(optimizer.step == 1)
        // MAE trains all but the position tables.
        let trained = checkpoint.names.filter { !$0.hasSuffix("pos_embed") }
        #expect(
            optimizer.names == trained.flatMap { ["optimizer.exp_avg.\($0)", "optimizer.exp_avg_sq.\($0)"] }.sorted())
        for name in trained {
            #expect(try checkpoint.shape("optimizer.exp_avg.\(name)") == checkpoint.shape(name))
            // After one step from zero, m = 0.1 g and v = 0.05 g².
            let means = try checkpoint.floats("optimizer.exp_avg.\(name)"),
                squares = try checkpoint.floats("optimizer.exp_avg_sq.\(name)")
            #expect(zip(means, squares).allSatisfy { abs($0 * $0 * 5 - $1) <= 1e-5 * $1 + 1e-30 }, "\(name)")
        }
    }

    /// Saved state of Adam for weights with these shapes, in these groups.
    private func optimizer(
        _ groups: [[Int]], shapes: [[Int]], steps: [Double]? = nil, extra: [(String, Pickled.Bytes)] = []
    ) -> Pickled.Bytes {
        let state = shapes.enumerated().map { number, shape in
            let tensor = Pickled.tensor(
                count: 64, offset: number, shape: shape, strides: shape.indices.map { shape[($0 + 1)...].reduce(1, *) })
            return (
                Pickled.integer(number),
                Pickled.dictionary(
                    [
                        ("step", Pickled.number(steps?[number] ?? 9)), ("exp_avg", tensor), ("exp_avg_sq", tensor),
                    ] + extra)
            )
        }
        let groups = groups.map {
            Pickled.dictionary([("lr", Pickled.number(0.1)), ("params", Pickled.list($0.map(Pickled.integer)))])
        }
        return Pickled.dictionary([("state", Pickled.dictionary(state)), ("param_groups", Pickled.list(groups))])
    }

    private func checkpoint(weights: [(String, [Int])], optimizer: Pickled.Bytes) throws -> TorchCheckpoint {
        let model = weights.map { name, shape in
            (
                name,
                Pickled.tensor(count: 64, shape: shape, strides: shape.indices.map { shape[($0 + 1)...].reduce(1, *) })
            )
        }
        let value = Pickled.dictionary([("model", Pickled.dictionary(model)), ("optimizer", optimizer)])
        return try open(ZipBytes(checkpoint: value, storages: [("0", littleEndian((0..<64).map(Float.init)))]))
    }

    private static let vit: [(String, [Int])] = [
        ("cls_token", [1, 1, 2]), ("pos_embed", [1, 3, 2]), ("patch_embed.proj.weight", [2, 3]),
        ("patch_embed.proj.bias", [2]), ("blocks.0.weight", [2, 2]),
        ("blocks.0.bias", [2]), ("blocks.1.weight", [2, 2]), ("blocks.1.bias", [2]), ("head.weight", [5, 2]),
        ("head.bias", [5]),
    ]

    /// The way in which timm and MAE's fine-tuning group weights by layer: the first to occur is the first group.
    @Test func layerWiseGroupsBecomeNames() throws {
        // layer 0 undecayed: cls_token, pos_embed, patch bias; layer 0 decayed; then each block and the head.
        let order = [0, 1, 3, 2, 4, 5, 6, 7, 8, 9]
        let groups = [[0, 1, 2], [3], [4], [5], [6], [7], [8], [9]]
        let checkpoint = try checkpoint(
            weights: Self.vit, optimizer: optimizer(groups, shapes: order.map { Self.vit[$0].1 }))
        #expect(try checkpoint.optimizer()?.step == 9)
        for (number, weight) in order.enumerated() {
            #expect(try checkpoint.floats("optimizer.exp_avg.\(Self.vit[weight].0)").first == Float(number))
        }
    }

    @Test func linearProbingHasStateOfTheHeadAlone() throws {
        let checkpoint = try checkpoint(weights: Self.vit, optimizer: optimizer([[0, 1]], shapes: [[5, 2], [5]]))
        #expect(
            try checkpoint.optimizer()?.names
                == ["exp_avg", "exp_avg_sq"].flatMap { kind in
                    ["bias", "weight"].map { "optimizer.\(kind).head.\($0)" }
                })
    }

    @Test func stateThatFitsNoWayOrSeveralIsRefused() throws {
        func problem(_ optimizer: Pickled.Bytes) throws -> String {
            let checkpoint = try checkpoint(weights: Self.vit, optimizer: optimizer)
            #expect(try checkpoint.floats("head.bias").count == 5)
            let error = #expect(throws: TorchCheckpointError.self) { try checkpoint.optimizer() }
            #expect(error?.code == .unusableOptimizer)
            return error?.message.replacingOccurrences(of: "the optimizer's state cannot be used: ", with: "") ?? ""
        }
        let all = Self.vit.map(\.1)
        #expect(
            try problem(optimizer([[0, 1], [2]], shapes: [[2], [2], [2]]))
                == "no known way to group the weights gives groups of 2, 1 with these shapes")
        #expect(
            try problem(optimizer([Array(0..<10)], shapes: all.reversed()))
                == "no known way to group the weights gives groups of 10 with these shapes")
        #expect(try problem(optimizer([Array(0..<9) + [0]], shapes: all)) == "a weight is in two of its groups")
        #expect(
            try problem(optimizer([Array(0..<10)], shapes: all, steps: [1] + [Double](repeating: 2, count: 9)))
                == "its weights were updated 1 to 2 times, not equally often")
        #expect(
            try problem(optimizer([Array(0..<10)], shapes: all, extra: [("max_exp_avg_sq", Pickled.none)]))
                == "it keeps \"max_exp_avg_sq\" for weight 0, which no optimizer of this program does")
        #expect(
            try problem(Pickled.dictionary([("state", Pickled.none)])) == "it has no \"state\" and \"param_groups\"")
        #expect(
            try problem(optimizer([Array(0..<11)], shapes: all))
                == "its groups have more weights than the state dict, or some without a number")
    }
}
