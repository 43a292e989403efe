import Apus
import Foundation
import MSMAE
import Testing

/// Recordings run by compiled programs: sound ones pass, altered ones fail in the right way.
@Suite struct ReplayTests {
    static let training = ["pretrain-attention-masking", "pretrain-random-masking", "finetune-global-pool"]

    /// Ways to compile that must not change what is computed: each fusion left out, all of them, each maker of
    /// matmuls, and mixed precision.
    static let ways: [CompilerOptions] = {
        let all = Set(Fusion.allCases)
        return [CompilerOptions()]
            + all.sorted { $0.rawValue < $1.rawValue }.map { CompilerOptions(fusions: all.subtracting([$0])) }
            + [
                CompilerOptions(fusions: []), CompilerOptions(products: .generated),
                CompilerOptions(products: .openblas),
            ]
            + [CompilerOptions(precision: .bfloat16), CompilerOptions(precision: .bfloat16, fusions: [])]
    }()

    @Test(arguments: training, ways)
    func recordingsPassHoweverTheyAreCompiledOnAnyNumberOfThreads(name: String, options: CompilerOptions) throws {
        let reports = try [1, 2, 5].map { try Replay.run(Recordings.path(name), Compiler(options, threads: $0)) }
        #expect(reports[0].passes, "\(options):\n\(reports[0].table)")
        #expect(reports[1] == reports[0] && reports[2] == reports[0], "\(options)")
    }

    @Test(arguments: ["transforms", "metrics", "checkpoint.tensors"])
    func recordingsWithoutAModelPass(name: String) throws {
        let report = try Replay.run(Recordings.path(name), Compiler(threads: 1))
        #expect(report.passes, "\(report.table)")
    }

    @Test(arguments: training.prefix(2))
    func resultsAreTheSameBitForBitOnAnyNumberOfThreads(name: String) throws {
        let fixture = try Fixture(name)
        let step = try MaskedAutoencoder(fixture.configuration).preTraining(
            batch: fixture.batch, masking: fixture.masking, permutation: .replayed,
            optimizer: .adamW(learningRate: 1e-3))
        let inputs = try fixture.inputs("images", "labels", "ids_shuffle").mapValues { TensorData($0) }
        let results = try [1, 2, 5].map { threads in
            let program = try Compiler(threads: threads).compile(step, [.update, .output])
            let state = try program.makeState(seed: 3)
            let outputs = try (0..<3).map { _ in try program.run(state, inputs).outputs }
            return (outputs, try state.names.map { try state.read($0) })
        }
        #expect(results[1] == results[0] && results[2] == results[0])
    }

    // MARK: Recordings whose numbers are wrong

    private func report(
        _ name: String, _ precision: Compiler.Precision = .float32, _ alter: (inout Recordings.Contents) throws -> Void
    ) throws -> ReplayReport {
        try Recordings.withAltered(name, alter) {
            try Replay.run($0, Compiler(CompilerOptions(precision: precision), threads: 1))
        }
    }

    @Test(arguments: [
        (training[0], "param.blocks.0.attn.qkv.weight"), (training[0], "input.images"),
        (training[1], "param.decoder_pred.weight"),
        (training[2], "param.head.bias"),
    ])
    func oneChangedNumberThatTheProgramReadsFails(name: String, tensor: String) throws {
        #expect(try !report(name) { $0.tensors[tensor]?.change(1) { $0 + 0.01 } }.passes)
    }

    /// The tolerances of mixed precision still tell a wrong weight from a right one.
    @Test(arguments: [
        (training[0], "param.blocks.0.attn.qkv.weight"), (training[0], "param.blocks.0.attn.qkv.bias"),
        (training[0], "param.mask_token"),
        (training[1], "param.decoder_pred.weight"), (training[1], "param.blocks.1.mlp.fc1.weight"),
        (training[2], "param.head.bias"),
        (training[2], "param.patch_embed.proj.weight"),
    ])
    func oneChangedWeightFailsInMixedPrecisionToo(name: String, tensor: String) throws {
        #expect(try !report(name, .bfloat16) { $0.tensors[tensor]?.change(1) { $0 + 0.01 } }.passes)
    }

    @Test(arguments: training)
    func changedResultsFailInMixedPrecisionAndNoOthers(name: String) throws {
        let changed = ["after1.blocks.0.mlp.fc1.bias", "expect.loss", "grad.blocks.1.mlp.fc1.weight", "grad.head.bias"]
        let report = try report(name, .bfloat16) { contents in
            contents.tensors[changed[0]]?.change(3) { $0 + 0.01 }
            contents.tensors[changed[1]]?.change(0) { $0 * 1.01 }
            contents.tensors[changed[2]]?.changeAll { $0 * 1.2 }
            contents.tensors[changed[3]]?.changeAll { -$0 }
        }
        #expect(report.comparisons.filter { !$0.passes }.map(\.quantity).sorted() == changed, "\(report.table)")
    }

    @Test(arguments: training)
    func changedResultsFailAndNoOthers(name: String) throws {
        let changed = ["after1.patch_embed.proj.bias", "expect.loss", "grad.blocks.1.mlp.fc1.weight", "grad.head.bias"]
        let report = try report(name) { contents in
            for tensor in changed { contents.tensors[tensor]?.change(0) { $0 * 1.5 } }
        }
        #expect(report.comparisons.filter { !$0.passes }.map(\.quantity).sorted() == changed)
    }

    @Test func numbersThatAreNoneFail() throws {
        let changed = ["after3.head.bias", "expect.loss", "expect.pred", "grad.norm.bias"]
        let recorded = try report(Self.training[0]) { contents in
            for tensor in changed { contents.tensors[tensor]?.change(0) { _ in .nan } }
        }
        #expect(recorded.comparisons.filter { !$0.passes }.map(\.quantity).sorted() == changed)
        let computed = try report(Self.training[0]) { $0.tensors["input.images"]?.change(0) { _ in .nan } }
        #expect(computed.comparisons.contains { $0.quantity == "expect.loss" && !$0.passes })
    }

    @Test func changedMetricsFail() throws {
        for name in ["accuracy_top1", "accuracy_top2", "f1_macro", "recall_macro", "auc_per_class", "auc_mean"] {
            let changed = try report("metrics") { $0.tensors["expect.\(name)"]?.change(0) { $0.nextUp } }
            #expect(changed.comparisons.filter { !$0.passes }.map(\.quantity) == ["expect.\(name)"])
            #expect(try !report("metrics") { $0.tensors["expect.\(name)"]?.change(0) { _ in .nan } }.passes)
        }
        #expect(try !report("metrics") { $0.tensors["expect.confusion"]?.bytes[0] += 1 }.passes)
        // The lowest byte of the second label: another class.
        #expect(try !report("metrics") { $0.tensors["input.labels"]?.bytes[8] ^= 1 }.passes)
    }

    @Test func changedPixelsFail() throws {
        let wrongByte = try report("transforms") { $0.tensors["1.expect_u8"]?.bytes[7] ^= 2 }
        #expect(
            wrongByte.comparisons.filter { !$0.passes }.map(\.quantity) == ["1.expect_u8, largest difference in levels"]
        )
        let oneLevel = try report("transforms") { contents in
            for index in 0..<20 { contents.tensors["0.expect_u8"]?.bytes[index * 50] ^= 1 }
        }
        #expect(
            oneLevel.comparisons.filter { !$0.passes }.map(\.quantity) == ["0.expect_u8, share of bytes that differ"])
        #expect(try report("transforms") { $0.tensors["0.expect_u8"]?.bytes[9] ^= 1 }.passes)
        for change: (Float) -> Float in [{ $0 + 1e-3 }, { $0 + 9 }, { _ in .nan }, { _ in .infinity }] {
            #expect(try !report("transforms") { $0.tensors["2.expect_f32"]?.change(5, change) }.passes)
        }
    }

    // MARK: Files that are no recordings

    private func code(_ name: String, _ alter: (inout Recordings.Contents) throws -> Void) throws -> ReplayError.Code? {
        do {
            _ = try report(name, .float32, alter)
            return nil
        } catch let error as ReplayError {
            return error.code
        }
    }

    @Test(arguments: training)
    func missingTensors(name: String) throws {
        let tensors = [
            "param.blocks.1.norm2.bias", "input.images", "input.ids_shuffle", "input.mask_weights", "expect.loss",
            "grad.head.weight",
            "after1.blocks.0.norm1.bias",
        ]
        // Nothing of a replay depends on the weights that a permutation was drawn with, and random masking has none.
        for tensor in tensors where tensor != "input.mask_weights" || name != "pretrain-random-masking" {
            #expect(try code(name) { $0.tensors[tensor] = nil } == .missingTensor, "\(tensor)")
        }
    }

    @Test(arguments: training)
    func shapesAndNumbersThatContradictTheDescription(name: String) throws {
        for tensor in ["param.head.weight", "input.images", "expect.loss", "grad.head.bias", "after1.head.bias"] {
            #expect(try code(name) { $0.tensors[tensor]?.shape.insert(1, at: 0) } == .contradiction, "\(tensor)")
        }
        #expect(
            try code(name) { contents in
                for depth in [2, 3] {
                    contents.description.replace("\"depth\": \(depth), \"num", with: "\"depth\": 7, \"num")
                }
            } == .missingTensor)
        #expect(
            try code(name) { $0.description.replace("\"num_classes\": 4", with: "\"num_classes\": 5") }
                == .contradiction)
        #expect(try code(name) { $0.tensors["input.labels"]?.bytes[0] = 200 } == .contradiction)
        #expect(try code(name) { $0.tensors["input.ids_shuffle"]?.bytes[7] = 255 } == .contradiction)
        #expect(
            try code(name) { contents in
                // Twice the same patch is not a permutation.
                guard let bytes = contents.tensors["input.ids_shuffle"]?.bytes else { return }
                contents.tensors["input.ids_shuffle"]?.bytes.replaceSubrange(0..<8, with: bytes[8..<16])
            } == .contradiction)
    }

    @Test func tensorsThatDoNotBelong() throws {
        for tensor in [
            "expect.unknown", "param.blocks.7.norm1.bias", "grad.pos_embed", "after9.head.bias", "after01.head.bias",
            "input.other", "note",
        ] {
            #expect(
                try code(Self.training[0]) { $0.tensors[tensor] = $0.tensors["param.head.bias"] } == .unknownTensor,
                "\(tensor)")
        }
        #expect(try code("transforms") { $0.tensors["4.input"] = $0.tensors["0.input"] } == .unknownTensor)
    }

    @Test func descriptionsThatDescribeNothing() throws {
        func code(replacing text: String, with other: String, in name: String = Self.training[0]) throws -> ReplayError
            .Code?
        {
            try self.code(name) { $0.description.replace(text, with: other) }
        }
        #expect(try self.code(Self.training[0]) { $0.description = "{" } == .badDescription)
        #expect(try self.code(Self.training[0]) { $0.description = "[]" } == .badDescription)
        #expect(try code(replacing: "\"kind\": \"pretrain\"", with: "\"kind\": \"other\"") == .unsupported)
        #expect(try code(replacing: "\"num_heads\": 3", with: "\"num_heads\": 5") == .badDescription)
        #expect(try code(replacing: "\"batch\": 4", with: "\"batch\": \"four\"") == .badDescription)
        #expect(try code(replacing: "\"batch\": 4", with: "\"batch\": 0") == .badDescription)
        #expect(try code(replacing: "\"mask_ratio\": 0.45", with: "\"mask_ratio\": 1.45") == .badDescription)
        #expect(try code(replacing: "\"depth\": 2", with: "\"depth\": 9000000000") == .contradiction)
        #expect(try code(replacing: "adamw", with: "other") == .unsupported)
        #expect(try code(replacing: "\"masking\": \"attention\"", with: "\"masking\": \"other\"") == .unsupported)
        #expect(try code(replacing: "bicubic", with: "nearest", in: "transforms") == .unsupported)
        #expect(try code(replacing: "\"size\": 48", with: "\"size\": 40", in: "transforms") == .contradiction)
        #expect(try code(replacing: "[5, 9, 30, 44]", with: "[5, 9, 300, 44]", in: "transforms") == .badDescription)
        #expect(try code(replacing: "\"steps\": 3", with: "\"steps\": 4") == .missingTensor)
        #expect(try code(replacing: "\"steps\": 3", with: "\"steps\": 2") == .unknownTensor)
    }

    @Test func filesThatAreNoRecordings() throws {
        #expect(throws: ReplayError.self) { try Replay.run("/no/such/file", Compiler(threads: 1)) }
        #expect(throws: ReplayError.self) { try Replay.run(#filePath, Compiler(threads: 1)) }
    }
}
