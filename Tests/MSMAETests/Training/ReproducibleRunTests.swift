import Apus
import Foundation
import MSMAE
import Testing

/// A run that was stopped ends with the bits of one that was not, where that can be; where it cannot, it says so.
@Suite(.serialized) struct ReproducibleRunTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    /// Images of 64 pixels in batches of 16: the perceptrons of encoder and decoder are matmuls of 20 MFLOP and more,
    /// for which `auto` would ask who is faster.
    private func largerSettings(_ changes: [String: SettingValue] = [:]) -> [String: SettingValue] {
        set.settings(["image-size": .integer(64), "batch": .integer(16), "epochs": .integer(4)]).merging(changes) { $1 }
    }

    private func options(_ changes: [String: SettingValue] = [:]) -> [String] {
        ["pretrain"] + largerSettings(changes).sorted { $0.key < $1.key }.flatMap { ["--\($0)", "\($1)"] }
    }

    /// What was measured and remembered in a cache.
    private func measurements(in cache: String) throws -> Int {
        let names = try? FileManager.default.contentsOfDirectory(atPath: cache + "/apus")
        return try #require(names).filter { $0.hasSuffix(".text") }.count
    }

    @Test(
        .timeLimit(.minutes(10)), .enabled(if: Tool.path != nil, "the msmae tool is not built"),
        arguments: ["generated", "openblas", "auto"])
    func largeMatmulsGoOnExactlyWithoutTheCache(products: String) throws {
        let whole = folder.file("whole"), killed = folder.file("killed"), cache = folder.file("cache")
        // The default is what is reproducible.
        let options = options(products == "generated" ? [:] : ["products": .text(products)])
        let reference = try Tool.run(options + ["--out", whole], cache: cache)
        #expect(reference.status == 0 && reference.errors.isEmpty, "\(reference.errors)")
        #expect(try (measurements(in: cache) > 0) == (products == "auto"))

        let log = killed + "/log.jsonl"
        // Where measurements decide, the second run starts with those of the first, and keeps them itself.
        if products != "auto" { try FileManager.default.removeItem(atPath: cache) }
        try Tool.kill(options + ["--out", killed], cache: cache, afterMilliseconds: 10) {
            ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("\"epoch\":1")
        }
        try FileManager.default.removeItem(atPath: cache)
        let last = try Tool.run(["pretrain", "--resume", killed], cache: cache)
        #expect(last.status == 0 && last.errors.isEmpty, "\(last.errors)")
        #expect(try RunResult(killed) == RunResult(whole))
        let saved = try PreTrainingSettings(json: String(contentsOfFile: killed + "/config.json", encoding: .utf8))
        #expect(saved.products.rawValue == products)
    }

    /// Answers are kept before a step is made with them, and those of a folder come before the clock's.
    @Test func answersAreKeptInTheFolder() throws {
        let run = folder.file("run"), path = run + "/products.json"
        try train(run, largerSettings(["products": .text("auto")]), until: 0)
        let answers = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: .init(filePath: path))) as? [String: String])
        #expect(!answers.isEmpty)
        let others = answers.mapValues { $0 == "generated" ? "openblas" : "generated" }
        try JSONSerialization.data(withJSONObject: others).write(to: .init(filePath: path))
        try resume(run, ["epochs": .integer(4)])
        let kept = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: .init(filePath: path))) as? [String: String])
        #expect(kept.merging(others) { $1 } == kept)
        try Data("[]".utf8).write(to: .init(filePath: path))
        #expect(throws: RunError.brokenAnswers(path: path)) { try resume(run, [:]) }
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Tool.path != nil, "the msmae tool is not built"))
    func measurementsDecideOnlyWhereTheyAreAskedFor() throws {
        let cache = folder.file("cache")
        let result = try Tool.run(
            options(["products": .text("auto"), "epochs": .integer(1)]) + ["--out", folder.file("run")], cache: cache)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try measurements(in: cache) > 0)
    }

    @Test func whoComputesMatmulsCannotChangeOnTheWay() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 0)
        let error = #expect(throws: RunError.self) { try resume(run, ["products": .text("openblas")]) }
        #expect(
            error?.description.hasPrefix(
                "products is openblas here and generated in the run that is resumed; leave it out here, ") == true)
        #expect(throws: SettingError.self) { try train(folder.file("other"), set.settings(["products": .text("mkl")])) }
    }

    // MARK: - Another build

    /// Goes on with a run by a step, and returns what it has warned of.
    private func warnings(_ run: String, until step: Int) throws -> [String] {
        var warnings: [String] = []
        let output = TrainingOutput(
            progress: ProgressWriter(isTerminal: false) { _ in }, warn: { warnings.append($0) }, write: { _ in })
        let trainer = try PreTrainer(RunPlan(resuming: run, given: [:]), output: output) { $0 >= step }
        #expect(try trainer.run() == .stopped)
        return warnings
    }

    /// Rewrites the newest checkpoint of a run with other metadata, and returns its path.
    private func alter(_ run: String, _ change: (inout [String: String]) throws -> Void) throws -> String {
        let path = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        let file = try SafetensorsFile(contentsOf: path)
        var metadata = file.metadata
        try change(&metadata)
        let tensors = try file.names.map { name in
            SafetensorsWriter.Tensor(name, try file.shape(name), floats: try file.floats(name))
        }
        try SafetensorsWriter.write(to: path, metadata: metadata, tensors: tensors)
        return path
    }

    @Test func aRunThatGoesOnWithAnotherBuildSaysSo() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 1)
        #expect(try warnings(run, until: 1) == [])

        let now = try Compiler(CompilerOptions(products: .generated)).build
        var other = now
        (other.apus, other.processor) = ("0.0.9 (abc)", "8086 with scalar (def)")
        let advice = "; the run goes on, but its last bits need not be those of one that was not stopped"
        var path = try alter(run) { $0["build"] = String(decoding: try JSONEncoder().encode(other), as: UTF8.self) }
        var message =
            "\(path): Apus was 0.0.9 (abc) and is \(now.apus), "
            + "the processor was 8086 with scalar (def) and is \(now.processor)" + advice
        #expect(try warnings(run, until: 2) == [message])
        var logged = try logLines(run).filter { $0["event"] as? String == "warning" }
        #expect(logged.map { $0["message"] as? String } == [message])
        #expect(logged.map { $0["step"] as? Int } == [1])
        // The step after that was written by this build.
        #expect(try warnings(run, until: 2) == [])

        path = try alter(run) { $0["build"] = nil }
        message = "\(path): it does not say what wrote it" + advice
        #expect(try warnings(run, until: 2) == [message])
        logged = try logLines(run).filter { $0["event"] as? String == "warning" }
        #expect(logged.count == 2)

        path = try alter(run) { $0["build"] = "{" }
        #expect(
            throws: RunError.foreignCheckpoint(path: path, reason: "'build' in its metadata cannot be read")
        ) { try resume(run) }
    }
}
