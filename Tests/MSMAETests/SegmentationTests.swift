import Apus
import MSMAE
import Testing

/// SETR-PUP: its recordings run by compiled programs, sound ones and altered ones; its configuration, and what it
/// learns.
@Suite struct SegmentationTests {
    private static let recording = "segmentation-setr-pup"

    @Test(arguments: ReplayTests.ways.filter { $0.precision == .float32 })
    func theRecordingPassesHoweverItIsCompiledOnAnyNumberOfThreads(options: CompilerOptions) throws {
        let reports = try [1, 2, 5].map {
            try Replay.run(Recordings.path(Self.recording), Compiler(options, threads: $0))
        }
        #expect(reports[0].passes, "\(options):\n\(reports[0].table)")
        #expect(reports[1] == reports[0] && reports[2] == reports[0], "\(options)")
    }

    // MARK: Recordings whose numbers are wrong

    private func report(_ alter: (inout Recordings.Contents) throws -> Void) throws -> ReplayReport {
        try Recordings.withAltered(Self.recording, alter) { try Replay.run($0, Compiler(threads: 1)) }
    }

    @Test(arguments: [
        "param.VIT.blocks.0.attn.qkv.weight", "param.Head.Head3.UP_stage_2.0.weight",
        "param.Head.Head0.UP_stage_1.1.running_var",
        "param.Head.Head3.cls_seg.bias", "input.images",
    ])
    func oneChangedNumberThatTheProgramReadsFails(tensor: String) throws {
        #expect(try !report { $0.tensors[tensor]?.change(0) { $0 + 0.01 } }.passes)
    }

    @Test func aChangedMaskFails() throws {
        #expect(try !report { $0.tensors["input.masks"]?.change(7) { 1 - $0 } }.passes)
    }

    @Test func changedResultsFailAndNoOthers() throws {
        let changed = [
            "after1.Head.Head0.cls_seg.weight", "after1.Head.Head1.UP_stage_4.1.running_mean",
            "after1.Head.Head3.UP_stage_3.1.num_batches_tracked",
            "after1.Head.Head3.UP_stage_3.1.running_var", "after1.VIT.cls_token", "expect.dice", "expect.eval_logits.1",
            "expect.iou", "expect.loss",
            "expect.train_logits.2", "grad.Head.Head3.UP_stage_1.0.weight", "grad.VIT.pos_embed",
        ]
        let report = try report { contents in
            for tensor in changed where !tensor.hasSuffix("tracked") {
                contents.tensors[tensor]?.change(0) { $0 * 1.5 + 1e-3 }
            }
            contents.tensors["after1.Head.Head3.UP_stage_3.1.num_batches_tracked"]?.bytes[0] += 1
        }
        #expect(report.comparisons.filter { !$0.passes }.map(\.quantity).sorted() == changed, "\(report.table)")
    }

    private func code(_ alter: (inout Recordings.Contents) throws -> Void) throws -> ReplayError.Code? {
        do {
            _ = try report(alter)
            return nil
        } catch let error as ReplayError {
            return error.code
        }
    }

    @Test func tensorsThatAreMissingOrDoNotBelong() throws {
        for tensor in [
            "param.Head.Head1.UP_stage_1.1.num_batches_tracked", "input.masks", "expect.iou", "expect.train_logits.3",
            "grad.VIT.cls_token",
            "after1.Head.Head3.cls_seg.bias",
        ] {
            #expect(try code { $0.tensors[tensor] = nil } == .missingTensor, "\(tensor)")
            #expect(try code { $0.tensors[tensor]?.shape.insert(1, at: 0) } == .contradiction, "\(tensor)")
        }
        for tensor in [
            "expect.train_logits.4", "grad.Head.Head0.cls_seg.bias", "param.VIT.blocks.0.attn.qkv.bias",
            "after2.VIT.cls_token",
        ] {
            #expect(
                try code { $0.tensors[tensor] = $0.tensors["param.Head.Head3.cls_seg.bias"] } == .unknownTensor,
                "\(tensor)")
        }
    }

    @Test func descriptionsOfOtherModels() throws {
        func code(replacing text: String, with other: String) throws -> ReplayError.Code? {
            try self.code { $0.description.replace(text, with: other) }
        }
        #expect(try code(replacing: "[0, 1, 2, 3]", with: "[0, 1, 2, 4]") == .badDescription)
        #expect(try code(replacing: "[0, 1, 2, 3]", with: "[1, 0, 2, 3]") == .badDescription)
        #expect(try code(replacing: "[0, 1, 2, 3]", with: "[]") == .badDescription)
        #expect(try code(replacing: "[0, 1, 2, 3]", with: "[0, 1, 2]") == .missingTensor)
        #expect(try code(replacing: "\"head_width\": 8", with: "\"head_width\": 9") == .contradiction)
        #expect(try code(replacing: "\"num_classes\": 1", with: "\"num_classes\": 2") == .contradiction)
        #expect(try code(replacing: "\"num_heads\": 3", with: "\"num_heads\": 5") == .badDescription)
        #expect(try code(replacing: "\"depth\": 4", with: "\"depth\": 5") == .missingTensor)
        #expect(try code(replacing: "\"depth\": 4", with: "\"depth\": 9000000000") == .contradiction)
        #expect(try code(replacing: "\"qkv_bias\": false", with: "\"qkv_bias\": true") == .missingTensor)
        #expect(try code(replacing: "\"batch\": 2", with: "\"batch\": 0") == .badDescription)
        #expect(try code(replacing: "\"name\": \"adam\"", with: "\"name\": \"sgd\"") == .unsupported)
        #expect(try code(replacing: "dice of the last head", with: "dice of all heads") == .unsupported)
        #expect(try code(replacing: "\"momentum\": 0.1", with: "\"momentum\": 1.1") == .badDescription)
    }

    @Test func mixedPrecisionIsRefused() throws {
        #expect(throws: ReplayError.self) {
            try Replay.run(Recordings.path(Self.recording), Compiler(CompilerOptions(precision: .bfloat16), threads: 1))
        }
    }

    // MARK: The model

    private var small: Configuration {
        var configuration = Configuration()
        (configuration.image, configuration.patch) = (16, 4)
        (configuration.dim, configuration.depth, configuration.heads) = (16, 2, 2)
        return configuration
    }

    private func model() throws -> SegmentationModel {
        var configuration = SegmentationConfiguration(encoder: small)
        configuration.headWidth = 8
        return try SegmentationModel(configuration)
    }

    @Test func headsReadAfterTheSameSharesOfTheBlocks() throws {
        func blocks(_ depth: Int) -> [Int] {
            var encoder = Configuration()
            encoder.depth = depth
            return SegmentationConfiguration(encoder: encoder).headBlocks
        }
        #expect(blocks(12) == [3, 5, 7, 11])
        #expect(blocks(24) == [7, 11, 15, 23])
        #expect(blocks(4) == [1, 2, 3])
        #expect(blocks(1) == [0])
    }

    @Test func configurationsThatMakeNoModel() {
        func message(_ change: (inout SegmentationConfiguration) -> Void) -> String {
            var configuration = SegmentationConfiguration(encoder: small)
            change(&configuration)
            do { _ = try SegmentationModel(configuration) } catch { return error.description }
            return ""
        }
        #expect(
            message { $0.headBlocks = [0, 2] }
                == "heads after blocks [0, 2]: they must be in ascending order, from 0 to 1")
        #expect(message { $0.headBlocks = [] } == "heads after blocks []: they must be in ascending order, from 0 to 1")
        #expect(message { $0.headWidth = 0 } == "head width is 0; it must be from 1 to 65536")
        #expect(message { $0.encoder.patch = 5 } == "an image of 16 pixels is not a whole number of patches of 5")
        #expect(message { $0.batchNormMomentum = -1 } == "batch norm momentum is -1.0; it must be from 0 to 1")
        // One patch: too few to mask, enough to segment.
        #expect(message { $0.encoder.patch = 16 } == "")
    }

    /// The released code has no bias where the corrected one keeps it.
    @Test func variantsDifferInOneBias() throws {
        func names(_ variant: Configuration.Variant) throws -> Set<String> {
            var encoder = small
            encoder.variant = variant
            return Set(
                try SegmentationModel(SegmentationConfiguration(encoder: encoder)).segmentation(batch: 1).trace()
                    .parameters.map(\.operation.name))
        }
        #expect(
            try names(.corrected).subtracting(names(.released)) == [
                "VIT.blocks.0.attn.qkv.bias", "VIT.blocks.1.attn.qkv.bias",
            ])
        #expect(try names(.released).isSubset(of: names(.corrected)))
    }

    /// Bright squares on a dark ground are found; the heads that are not trained keep their weights.
    @Test func learnsToFindBrightSquares() throws {
        var images: [Float] = [], masks: [Float] = []
        for image in 0..<4 {
            let mask = (0..<256).map { place -> Float in (place / 16 / 8 + 2 * (place % 16 / 8)) == image ? 1 : 0 }
            masks += mask
            for channel in 0..<3 { images += mask.map { $0 * Float(channel + 1) } }
        }
        let inputs = [
            "images": try TensorData(images, shape: [4, 3, 16, 16]),
            "masks": try TensorData(masks, shape: [4, 1, 16, 16]),
        ]
        let model = try model(),
            results = try [1, 3].map { threads in
                let program = try Compiler(threads: threads).compile(
                    model.training(batch: 4, optimizer: .adam(learningRate: 1e-2, weightDecay: 1e-4)))
                let state = try program.makeState(seed: 1), idle = try state.read("Head.Head0.cls_seg.weight")
                let reports = try (0..<40).map { _ in try program.run(state, inputs) }
                #expect(try state.read("Head.Head0.cls_seg.weight") == idle)
                #expect(try state.read("Head.Head0.UP_stage_1.1.num_batches_tracked").integers == [40])
                return (
                    first: reports[0].loss, last: reports[39].outputs,
                    weights: try state.names.map { try state.read($0) }
                )
            }
        #expect(results[0].first > 0.8)
        #expect(try #require(results[0].last["loss"]).scalar < 0.3)
        #expect(try #require(results[0].last["iou"]).scalar > 0.8)
        #expect(results[0].last == results[1].last && results[0].weights == results[1].weights)
    }
}
