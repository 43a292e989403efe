import Apus
import Foundation
import MSMAE
import Testing

@Suite struct WeightsConversionTests {
    private let folder: ScratchFolder
    private static let checkpoint = Recordings.path("checkpoint").replacingOccurrences(of: ".safetensors", with: ".pth")

    init() throws { folder = try ScratchFolder() }

    @Test func aCheckpointOfPyTorchBecomesSafetensors() throws {
        let output = folder.file("weights.safetensors")
        let report = try WeightsConversion().convert(Self.checkpoint, to: output)
        let written = try SafetensorsFile(contentsOf: output),
            recorded = try SafetensorsFile(contentsOf: Recordings.path("checkpoint.tensors"))
        #expect(written.names == recorded.names && written.metadata == ["format": "pt"])
        for name in recorded.names {
            #expect(try written.bytes(name) == recorded.bytes(name) && written.shape(name) == recorded.shape(name))
        }
        let numbers = try recorded.names.reduce(0) { $0 + (try recorded.byteCount($1)) / 4 }
        #expect(
            report.weights == 52 && report.numbers == numbers && report.optimizerTensors == 0 && report.step == nil
                && report.skipped.isEmpty)
    }

    @Test func theOptimizersStateComesAlong() throws {
        let output = folder.file("all.safetensors")
        var conversion = WeightsConversion()
        conversion.includesOptimizer = true
        let report = try conversion.convert(Self.checkpoint, to: output)
        #expect(report.optimizerTensors == 100 && report.step == 1)
        let written = try SafetensorsFile(contentsOf: output),
            checkpoint = try TorchCheckpoint(contentsOf: Self.checkpoint, groupings: .visionTransformer)
        #expect(written.names.count == 152 && written.metadata["step"] == "1")
        for name in written.names { #expect(try written.floats(name) == checkpoint.floats(name)) }
        // Names and shapes are those of a training step of the model: it can go on from here.
        let step = try MaskedAutoencoder(Fixture("pretrain-attention-masking").configuration)
            .preTraining(batch: 4, masking: .attention, permutation: .replayed, optimizer: .adamW(learningRate: 1e-3))
        let parameters = try Compiler(threads: 1).compile(step, [.update]).program.parameters
        for parameter in parameters where !parameter.name.hasSuffix("pos_embed") {
            #expect(written.contains(parameter.name), "\(parameter.name)")
            if written.contains(parameter.name) {
                #expect(try written.shape(parameter.name) == parameter.type.shape, "\(parameter.name)")
            }
        }
    }

    @Test func aRunsCheckpointBecomesItsStateDict() throws {
        let run = folder.file("run.safetensors"), output = folder.file("weights.safetensors")
        let names = ["w", "optimizer.exp_avg.w", "ema.w", "fixed", "attention_maps"]
        try SafetensorsWriter.write(
            to: run, metadata: ["step": "7"], tensors: names.enumerated().map { .init($1, floats: [Float($0)]) })
        var conversion = WeightsConversion()
        #expect(try conversion.convert(run, to: output).weights == 2)
        #expect(try SafetensorsFile(contentsOf: output).names == ["fixed", "w"])
        #expect(try SafetensorsFile(contentsOf: output).floats("w") == [0])
        conversion.takesAverages = true
        _ = try conversion.convert(run, to: output)
        #expect(try SafetensorsFile(contentsOf: output).floats("w") == [2])
        #expect(try SafetensorsFile(contentsOf: output).floats("fixed") == [3])
        conversion.includesOptimizer = true
        #expect(try conversion.convert(run, to: output).step == 7)
        #expect(try SafetensorsFile(contentsOf: output).names == ["fixed", "optimizer.exp_avg.w", "w"])
    }

    @Test func precisionStaysIfAsked() throws {
        let half = folder.file("half.safetensors"), output = folder.file("out.safetensors")
        try SafetensorsWriter.write(
            to: half,
            tensors: [
                .init("h", .f16, [2], reading: { [0x00, 0x3E, 0x00, 0xC0] }),
                .init("n", .i64, [1], reading: { [5, 0, 0, 0, 0, 0, 0, 0] }),
            ])
        var conversion = WeightsConversion()
        _ = try conversion.convert(half, to: output)
        var written = try SafetensorsFile(contentsOf: output)
        #expect(
            try written.elementType("h") == .f32 && written.floats("h") == [1.5, -2] && written.elementType("n") == .i64
        )
        conversion.keepsPrecision = true
        _ = try conversion.convert(half, to: output)
        written = try SafetensorsFile(contentsOf: output)
        #expect(
            try written.elementType("h") == .f16 && written.bytes("h") == [0x00, 0x3E, 0x00, 0xC0]
                && written.integers("n") == [5])
    }

    @Test func requestsThatCannotBeMetAreErrors() throws {
        let weights = Recordings.path("checkpoint.tensors"), output = folder.file("out.safetensors")
        func error(_ input: String, _ output: String, _ change: (inout WeightsConversion) -> Void = { _ in }) -> String
        {
            var conversion = WeightsConversion()
            change(&conversion)
            let error = #expect(throws: (any Error).self) { try conversion.convert(input, to: output) }
            return error.map { "\($0)" } ?? ""
        }
        #expect(
            error(weights, weights)
                == "\(weights): the converted weights would replace the file that they come from; choose another name")
        #expect(
            error(weights, "x.pth") == """
                x.pth: only safetensors files are written; PyTorch reads them by safetensors.torch.load_file, for model.load_state_dict
                """)
        #expect(
            error(weights, output) { $0.includesOptimizer = true }
                == "\(weights): no optimizer's state in this file; leave out --optimizer")
        #expect(
            error(weights, output) { $0.takesAverages = true }
                == "\(weights): no averages of weights in this file; leave out --ema, or choose them by --weights-key or --weights-prefix"
        )
        #expect(error(#filePath, output).hasPrefix("\(#filePath): this is a text that begins with"))
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test func damagedWeightsLeaveNoFile() throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: Self.checkpoint))
        bytes[20_230] ^= 1
        let damaged = folder.file("damaged.pth"), output = folder.file("out.safetensors")
        try bytes.write(to: URL(fileURLWithPath: damaged))
        let error = #expect(throws: SafetensorsError.self) { try WeightsConversion().convert(damaged, to: output) }
        #expect(
            error?.description == """
                \(output): tensor "cls_token": cannot be read to be written: \(damaged): the elements of "cls_token" do not have the checksum \
                that the file gives for them
                """)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["damaged.pth"])
    }
}
