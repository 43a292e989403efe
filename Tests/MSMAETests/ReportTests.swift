import Apus
import ApusReport
import Foundation
import MSMAE
import Testing

/// A folder with hand-made runs, which goes with the test.
private final class Runs {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult func write(_ text: String, to name: String) throws -> String {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    /// A fine-tuning run of two classes and four images; returns its folder.
    func fineTuning(_ name: String, accuracy: Double = 0.75, seed: Int = 0) throws -> String {
        try write(
            #"{"data":"nowhere","preset":"base","epochs":2,"blr":0.001,"seed":\#(seed)}"#, to: "\(name)/config.json")
        try write(
            """
            {"event":"start","task":"finetune","classes":2,"class_names":["sick","well"],"seed":\(seed)}
            {"event":"epoch","epoch":0,"step":1,"loss":0.9,"accuracy":0.5,"lr":0.001}
            {"event":"validation","epoch":0,"step":1,"path":"all","loss":0.8,"accuracy":0.5}
            {"event":"epoch","epoch":1,"step":2,"loss":"NaN","accuracy":0.6,"lr":0.0}
            {"event":"validation","epoch":1,"step":2,"path":"all","loss":0.7,"accuracy":\(accuracy)}
            {"event":"epoch","epoch":2,"st
            """, to: "\(name)/log.jsonl")
        try write(
            """
            {"task":"finetune","classes":["sick","well"],"images":4,"results":[
            {"checkpoint":"last","epoch":1,"path":"all","loss":0.7,"accuracy":\(accuracy),"top2_accuracy":1,"macro_f1":0.733,"macro_recall":0.75,
             "mean_auc":0.75,"auc":[0.75,null],"recall":[0.5,1],"f1":[0.667,0.8],"confusion":[[1,1],[0,2]],"tokens":197,"gflops":35.1,"gflops_linear":33.7,"ms_per_image":12.3}]}
            """, to: "\(name)/evaluation.json")
        try write(
            "image,label,p0,p1\nsick/a, b.png,0,0.9,0.1\nsick/c.png,0,0.3,0.7\nwell/d.png,1,0.4,0.6\nwell/e.png,1,0.2,0.8\n",
            to: "\(name)/predictions-all.csv")
        try SafetensorsWriter.write(
            to: "\(path)/\(name)/features.safetensors", metadata: [:],
            tensors: [
                SafetensorsWriter.Tensor("features", [4, 2], floats: [0, 0, 0, 1, 5, 5, 5, 6]),
                SafetensorsWriter.Tensor("labels", [4], integers: [0, 0, 1, 1]),
            ])
        return "\(path)/\(name)"
    }
}

/// The text of an evaluation of one image of one class.
private func evaluation(auc: String, confusion: String) -> String {
    """
    {"task":"finetune","images":1,"classes":["a"],"results":[{"checkpoint":"last","epoch":0,"path":"all","loss":1,"accuracy":1,
    "top2_accuracy":1,"macro_f1":1,"macro_recall":1,"auc":\(auc),"recall":[1],"f1":[1],"confusion":\(confusion),
    "tokens":1,"gflops":1,"gflops_linear":1,"ms_per_image":1}]}
    """
}

@Suite struct RunReportTests {
    private let runs = Runs()

    private func report(_ paths: String...) throws -> RunReport { try RunReport(RunGroup.read(paths)) }

    @Test func aReportOfNothingIsRefused() {
        #expect(throws: RunRecordError.noRuns) { try report() }
    }

    @Test func aFineTuningRun() throws {
        let report = try report(runs.fineTuning("run"))
        #expect(report.problems.isEmpty)
        let titles = report.page.sections.map(\.title)
        #expect(
            titles == [
                "Results", "Losses and accuracy", "ROC curves", "Confusion matrices", "Where the models look",
                "Features (t-SNE)", "Efficiency",
                "Settings", "Where the numbers come from",
            ])
        let html = report.page.html
        for text in [
            "75.0\u{202F}%", "sick: AUC 0.750", "sick: 1 of 2 right", "No checkpoint to draw with: run.", "17.56",
            "4.41", "85.80",
        ] {
            #expect(html.contains(text), "\(text)")
        }
        #expect(
            report.page.figures.map(\.name) == [
                "finetune-loss", "finetune-accuracy", "finetune-learning-rate", "roc-run-all", "confusion-run-all",
                "tsne-run", "multiply-adds-1",
            ])
    }

    @Test func seedsBecomeMeanAndDeviation() throws {
        for (seed, accuracy) in [0.7, 0.8, 0.9].enumerated() {
            _ = try runs.fineTuning("many/seed-\(seed)", accuracy: accuracy, seed: seed)
        }
        let other = try runs.fineTuning("one")
        let html = try report("\(runs.path)/many", other).page.html
        #expect(html.contains("80.0 ± 10.0\u{202F}%"))
        #expect(html.contains("Report of 2 runs") && html.contains("many: fine-tuning, 3 seeds; one: fine-tuning."))
        #expect(html.contains("0, 1, 2"))
    }

    @Test func runsOfTheSameNameAreToldApart() throws {
        let groups = try RunGroup.read([runs.fineTuning("a/run"), runs.fineTuning("b/run")])
        #expect(groups.map(\.name) == ["a/run", "b/run"])
    }

    @Test func aRunThatHasJustBegun() throws {
        try runs.write(#"{"preset":"demo","data":"nowhere"}"#, to: "new/config.json")
        let report = try report("\(runs.path)/new")
        #expect(report.problems.isEmpty && report.page.html.contains("No epoch has ended yet: new."))
    }

    @Test func aFolderThatIsNoRun() throws {
        let missing = "\(runs.path)/missing"
        #expect(throws: RunRecordError.noRun(path: missing)) { try RunGroup.read([runs.fineTuning("run"), missing]) }
        #expect(
            RunRecordError.noRun(path: "x").description
                == "x: not the folder of a run: it holds neither config.json nor log.jsonl, nor folders seed-0, seed-1, … of runs"
        )
    }

    @Test(
        arguments: [
            ("config.json", "[1]", "config.json: it is no JSON object of settings"),
            ("log.jsonl", "{\"event\":\"epoch\"}\nnonsense\n", "log.jsonl:2: it is no JSON object"),
            (
                "evaluation.json", #"{"task":"finetune","images":1,"classes":["a"]}"#,
                "evaluation.json: 'results' is missing"
            ),
            ("evaluation.json", "{", "evaluation.json: it is no JSON object of results"),
            (
                "evaluation.json", evaluation(auc: "[1]", confusion: "[[1,2]]"),
                "evaluation.json: 'results.0.confusion' is no table of 1 times 1 counts"
            ),
            (
                "evaluation.json", evaluation(auc: "[]", confusion: "[[1]]"),
                "evaluation.json: 'results.0.auc' has not one number for each of 1 classes"
            ),
            (
                "predictions-all.csv", "image,p0\n",
                "predictions-all.csv:1: the first line is not 'image,label,p0,p1,...'"
            ),
            (
                "predictions-all.csv", "image,label,p0\na,0\n",
                "predictions-all.csv:2: it has 2 fields where the first line has 3"
            ),
            ("predictions-all.csv", "image,label,p0\na,1,1\n", "predictions-all.csv:2: '1' is no class from 0 to 0"),
            ("predictions-all.csv", "image,label,p0\na,0,nan\n", "predictions-all.csv:2: 'nan' is no probability"),
            ("features.safetensors", "{}", nil),
        ] as [(String, String, String?)])
    func aBrokenFileIsNamedAndTheRestIsShown(name: String, text: String, problem: String?) throws {
        let folder = try runs.fineTuning("run")
        try runs.write(text, to: "run/\(name)")
        let whole = try runs.fineTuning("whole")
        let report = try report(folder, whole)
        #expect(report.problems.count == 1)
        let said = try #require(report.problems.first)
        if let problem { #expect(said == "\(folder)/\(problem)") } else { #expect(said.hasPrefix("\(folder)/\(name)")) }
        #expect(report.page.sections.first?.title == "What is missing")
        #expect(report.page.html.contains("whole"))
    }

    @Test func predictionsWithOtherLineEnds() throws {
        let folder = try runs.fineTuning("run")
        try runs.write("image,label,p0,p1\r\na,0,0.9,0.1\r\nb,1,0.8,0.2\r\n", to: "run/predictions-all.csv")
        let report = try report(folder)
        #expect(report.problems.isEmpty && report.page.html.contains("sick: AUC 1.000"))
    }

    @Test func predictionsOfImagesWithHostileNames() throws {
        let folder = try runs.fineTuning("run")
        let names = ["line\nbreak", "\"quoted\", twice", "\"\u{301}", "windows\r\n", "M\\xFCller"].map(CSVText.field)
        let lines = names.enumerated().map { "\($1),\($0 % 2),0.\(9 - $0 % 2),0.\(1 + $0 % 2)" }
        try runs.write(
            (["image,label,p0,p1"] + lines).joined(separator: "\n") + "\n", to: "run/predictions-all.csv")
        let report = try report(folder)
        #expect(report.problems.isEmpty && report.page.html.contains("sick: AUC 1.000"))
    }

    @Test(arguments: ["", "plain", ",", "\"", "\n", "\r\n", "a\"\"b\n,\"", "\"\u{301}x", ",\u{301}", "'<&>"])
    func aFieldOfATableComesBackAsItWas(text: String) {
        let records = CSVText.records("a,\(CSVText.field(text)),b\r\n\nc\n")
        #expect(
            records.map(\.fields.count) == [3, 1] && records[1].line == 3 + text.unicodeScalars.count { $0 == "\n" })
        #expect(records[0].fields[1].utf8.elementsEqual(text.utf8))
    }

    @Test func hostileNamesAreEscaped() throws {
        let folder = try runs.fineTuning("<script>alert(1)<")
        let html = try report(folder).page.html
        #expect(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)&lt;"))
    }
}

@Suite struct ROCCurveTests {
    /// A step for each score, and one oblique line for scores that both kinds of samples have.
    @Test func points() throws {
        let curve = try ROC.curve(scores: [0.9, 0.8, 0.8, 0.1], isPositive: [true, true, false, false])
        #expect(curve.map { [$0.negatives, $0.positives] } == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]])
        #expect(try ROC.curve(scores: [1, 2], isPositive: [true, true]).isEmpty)
    }

    /// The area below the mean curve is the mean of the areas.
    @Test func mean() throws {
        let scores: [[Double]] = [
            [0.9, 0.3, 0.5, 0.5, 0.2, 0.1], [0.4, 0.4, 0.6, 0.2, 0.7, 0.1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        ]
        let truths = [
            [true, false, true, false, true, false], [true, true, false, false, false, false],
            [false, true, false, true, true, false],
        ]
        let areas = try zip(scores, truths).map { try #require(try ROC.area(scores: $0, isPositive: $1)) }
        let mean = ROC.mean(of: try zip(scores, truths).map { try ROC.curve(scores: $0, isPositive: $1) })
        let area = zip(mean, mean.dropFirst()).reduce(0) {
            $0 + ($1.1.negatives - $1.0.negatives) * ($1.1.positives + $1.0.positives) / 2
        }
        #expect(abs(area - areas.reduce(0, +) / 3) < 1e-12)
        #expect(ROC.mean(of: []).isEmpty)
    }
}
