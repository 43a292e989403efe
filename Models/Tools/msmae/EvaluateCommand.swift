import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a trained classifier on a folder of images, on all tokens and on the masked path.",
        discussion: """
            Accuracy, top-2 accuracy, macro F1 and recall, the area under the ROC curve, and what each path costs: tokens, billions of \
            floating-point operations (two to a multiply-add) and milliseconds for an image, without reading images. The masked path needs \
            an attention map of each image, whose cost is given beside it. Weights of the public code do not name their classes: those of the \
            folder are taken in their order.
            """)

    @OptionGroup var model: CheckpointOptions
    @OptionGroup var naming: ClassNameOptions
    @OptionGroup var sizes: ImageLimitOptions
    @OptionGroup var images: ImageCacheOptions
    @Option(help: "Folder of images.") var data: String
    @Option(help: "The part of the data to measure on, a folder in it.") var part = "val"
    @Option(help: "Images per batch. (default: the run's)") var batch: Int?
    @Option(help: "Chooses among the masks. (default: the run's)") var seed: Int?
    @Option(help: "File for the results as JSON, confusion matrices included.") var out: String?
    @Flag(help: "Leave out images that cannot be read.") var skipUnreadable = false
    @OptionGroup var workers: ThreadOptions

    func validate() throws {
        for (name, value, range) in [
            ("batch", batch ?? 1, 1...65536), ("seed", seed ?? 0, 0...Int.max),
        ]
        where !range.contains(value) {
            throw SettingError.outOfRange(
                name: name, value: .integer(value), allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() throws {
        if let out { try AtomicFile.check(out) }
        let classifier = try Classifier(
            checkpoint: model.checkpoint, reading: model.reading(classes: naming.names), threads: workers.threads,
            pinned: workers.pinned)
        let (report, skipped, remarks) = try classifier.evaluate(
            data, part: part, batch: batch, seed: seed, skipUnreadable: skipUnreadable, limits: sizes.limits,
            cache: images.cache)
        for note in classifier.notes { print(note) }
        for error in skipped { print("skipped \(error)") }
        for remark in remarks { print(remark) }
        print(report.text)
        if let out { try report.write(to: out) }
    }
}
