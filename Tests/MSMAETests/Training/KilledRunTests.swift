import Apus
import Foundation
import MSMAE
import Testing

/// The command line itself, killed without warning, interrupted, and given what it cannot use.
@Suite(.serialized, .enabled(if: Tool.path != nil, "the msmae tool is not built")) struct KilledRunTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    private var options: [String] { get throws { try options(of: "pretrain") } }

    private static func words(_ command: String) -> [String] { command.split(separator: " ").map(String.init) }

    private func options(of command: String) throws -> [String] {
        let settings =
            switch command {
            case "pretrain": set.settings(["epochs": .integer(8)])
            case "segment train": try SmallMaskedSet.shared.get().settings(["epochs": .integer(8)])
            default:
                set.fineTuning([
                    "epochs": .integer(6), "mixup": .number(0.8), "ema": .number(0.9), "clip-grad": .number(1),
                ])
            }
        return Self.words(command) + settings.sorted { $0.key < $1.key }.flatMap { ["--\($0)", "\($1)"] }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["pretrain", "finetune", "segment train"])
    func aKilledRunGoesOnAsIfNothingHadHappened(command: String) throws {
        let options = try options(of: command)
        let whole = folder.file("whole"), killed = folder.file("killed")
        let reference = try Tool.run(options + ["--out", whole])
        #expect(reference.status == 0, "\(reference.errors)")

        // Killed at another moment each time, the first one before there is anything to go on from.
        try Tool.kill(options + ["--out", killed], afterMilliseconds: 5) {
            FileManager.default.fileExists(atPath: killed)
        }
        for delay in [0, 20, 45, 80] {
            let size = Self.size(of: killed + "/log.jsonl")
            try Tool.kill(Self.words(command) + ["--resume", killed], afterMilliseconds: delay) {
                Self.size(of: killed + "/log.jsonl") != size
            }
        }
        let last = try Tool.run(options + ["--resume", killed])
        #expect(last.status == 0, "\(last.errors)")
        #expect(try RunResult(killed) == RunResult(whole))
        #expect(try logLines(killed).count == logLines(whole).count)
        guard command != "pretrain" else { return }
        #expect(try RunResult(killed + "/best.safetensors") == RunResult(whole + "/best.safetensors"))
        guard command == "finetune" else { return }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: killed + "/predictions-masked.csv"))
                == Data(contentsOf: URL(fileURLWithPath: whole + "/predictions-masked.csv")))
    }

    private static func size(of path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    @Test(.timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM]) func aSignalEndsTheRunWithACheckpoint(signal: Int32)
        throws
    {
        let run = folder.file("run")
        let process = try Tool.start(options + ["--epochs", "200", "--out", run])
        while Self.size(of: run + "/log.jsonl") < 500, process.isRunning { usleep(2000) }
        Foundation.kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationStatus == 128 + signal)
        #expect(try RunFolder(opening: run).latestCheckpoint() != nil)
    }

    @Test func mistakesAreOneLineAndAStatus() throws {
        let missing = try Tool.run(["pretrain", "--resume", folder.file("absent")])
        #expect(missing.status == 1)
        #expect(
            missing.errors
                == "msmae: error: \(folder.file("absent")): cannot open: No such file or directory (check the spelling; the folder has to exist)\n"
        )

        let config = folder.file("config.yaml")
        for (text, message) in [
            ("epochs: 3\nbatches: 4\n", ":2: there is no setting 'batches'; did you mean batch?"),
            ("epochs: many\n", ":1: epochs is 'many'; it must be a whole number"),
            ("# ratios\n\nmask_ratio: 2\n", ":3: mask-ratio is 2; it must be from 0 to 1"),
            ("- epochs\n", ":1: not a mapping of settings to values"),
            ("lr: [1, 2]\n", ":1: lr is not a single value"),
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: config))
            let result = try Tool.run(["pretrain", "--data", set.path, "--out", folder.file("run"), "--config", config])
            #expect(result.status == 1)
            #expect(result.errors == "msmae: error: \(config)\(message)\n")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
        #expect(try Tool.run(["pretrain", "--batch", "x"]).status != 0)
    }

    @Test(.timeLimit(.minutes(5))) func theCommandLineWinsOverTheFile() throws {
        let config = folder.file("config.yaml"), run = folder.file("run")
        try Data("epochs: 9\nblr: 2e-3\nnorm-pix-loss: true\npreset: demo\n".utf8).write(
            to: URL(fileURLWithPath: config))
        let options = ["--image-size", "32", "--batch", "32", "--epochs", "1", "--no-norm-pix-loss"]
        let result = try Tool.run(["pretrain", "--data", set.path, "--out", run, "--config", config] + options)
        #expect(result.status == 0, "\(result.errors)")
        let saved = try PreTrainingSettings(json: String(contentsOfFile: run + "/config.json", encoding: .utf8))
        #expect(saved.epochs == 1 && saved.baseLearningRate == 2e-3 && !saved.normalizePixels && saved.preset == "demo")

        let images = try ImageFolder(root: set.path + "/train").items.map(\.path)
        let pictures = folder.file("pictures")
        for command in ["attention", "reconstruct"] {
            let result = try Tool.run([
                command, "--checkpoint", run, "--out", pictures, "--image", images[0], images[31],
            ])
            #expect(result.status == 0, "\(result.errors)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: pictures)
        #expect(names.count == 4 && names.allSatisfy { $0.hasSuffix(".png") })
    }

    @Test(.timeLimit(.minutes(5))) func aClassifierIsEvaluatedAndAsked() throws {
        let run = folder.file("run"), pictures = folder.file("pictures"), report = folder.file("report.json")
        let dry = try Tool.run(options(of: "finetune") + ["--out", run, "--dry-run"])
        #expect(dry.status == 0 && !FileManager.default.fileExists(atPath: run), "\(dry.errors)")
        let training = try Tool.run(options(of: "finetune") + ["--out", run, "--epochs", "1", "--seeds", "2"])
        #expect(training.status == 0, "\(training.errors)")
        #expect(FileManager.default.fileExists(atPath: run + "/summary.json"))

        let evaluation = try Tool.run([
            "evaluate", "--checkpoint", run + "/seed-1", "--data", set.path, "--out", report,
        ])
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        #expect(try EvaluationReport(contentsOf: report).results.map(\.path) == [.all, .masked])
        let images = try ImageFolder(root: set.path + "/val").items.map(\.path)
        let prediction = try Tool.run(
            ["predict"] + images + ["--checkpoint", run + "/seed-0/best.safetensors", "--json", "--out", pictures])
        #expect(prediction.status == 0, "\(prediction.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: pictures).count == images.count)

        let pre = folder.file("pre")
        #expect(try Tool.run(options + ["--out", pre, "--epochs", "1", "--method", "mae"]).status == 0)
        let latest = try #require(try RunFolder(opening: pre).latestCheckpoint()).path
        #expect(
            try Tool.run(["evaluate", "--checkpoint", pre, "--data", set.path]).errors
                == "msmae: error: \(latest): a checkpoint of "
                + "pre-training has no classifier that could be evaluated; fine-tune from it by msmae finetune --init\n"
        )
    }
}
