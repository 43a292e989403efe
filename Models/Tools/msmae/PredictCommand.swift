import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Says which class images belong to, and draws where the model looks.",
        discussion: """
            Of a folder, all images below it are taken. An image that cannot be read is named on standard error (with --json, also in the \
            list, with its error), the others get their answers, and the exit status is 1.
            """)

    @Argument(help: "The images, or folders of images.") var images: [String]
    @OptionGroup var model: CheckpointOptions
    @OptionGroup var naming: ClassNameOptions
    @OptionGroup var sizes: ImageLimitOptions
    @Flag(help: "Print a JSON list.") var json = false
    @Option(
        help: "Folder for pictures of the attention over the images, made if it is missing; none are drawn without it.")
    var out: String?
    @Option(help: "Draws each pixel as a square of this many by as many.") var scale = 1
    @OptionGroup var workers: ThreadOptions

    func validate() throws { try PictureFolder.check(scale: scale) }

    func run() throws {
        let images = try NamedImages(self.images)
        let reading = model.reading(classes: naming.names)
        let classifier = try Classifier(
            checkpoint: model.checkpoint, reading: reading, threads: workers.threads, pinned: workers.pinned)
        if !json { for note in classifier.notes { print(note) } }
        let pictures = try out.map { try PictureFolder($0, kind: "attention", images: images.paths, scale: scale) }
        let drawn = try out.map { _ in
            try TrainedModel(
                checkpoint: model.checkpoint, reading: reading, threads: workers.threads, pinned: workers.pinned)
        }
        var answers: [JSONValue] = []
        // Each answer is there even if the next image ends the command.
        defer { if json { print(JSONValue.list(answers).pretty) } }
        try images.forEach(classifier.decoder.limited(to: sizes.limits)) { image, index in
            let shares = try classifier.probabilities(of: image)
            let picture = try pictures.flatMap { folder in
                try drawn.map { try folder.write($0.attentionPicture(of: image), index) }
            }
            let prediction = Prediction(
                image: images.paths[index], classes: classifier.classes, probabilities: shares, attention: picture)
            if json { answers.append(prediction.json) } else { print(prediction.text) }
        } failed: { error, index in
            answers.append(
                .object([
                    ("error", .text("\(error.message). \(error.advice)")), ("image", .text(images.paths[index])),
                ]))
        }
    }
}

/// What the model says of one image.
private struct Prediction {
    let image: String
    let classes: [String], probabilities: [Double]
    /// The picture of the attention, if one was drawn.
    let attention: String?

    private var ranks: [Int] {
        classes.indices.sorted { (-probabilities[$0], $0) < (-probabilities[$1], $1) }
    }

    /// The image and its classes, the most probable one first.
    var text: String {
        let names = classes.map(\.inOneLine), width = names.map(\.count).max() ?? 0
        let lines = ranks.map { rank in
            "  " + names[rank] + String(repeating: " ", count: width - names[rank].count)
                + String(format: "  %.4f", probabilities[rank])
        }
        return ([image.inOneLine] + lines + (attention.map { ["  \($0.inOneLine)"] } ?? [])).joined(separator: "\n")
    }

    var json: JSONValue {
        let shares = zip(classes, probabilities).map { ($0, JSONValue.number($1)) }
        return .object(
            (attention.map { [("attention", .text($0))] } ?? []) + [
                ("image", .text(image)), ("predicted", .text(ranks.first.map { classes[$0] } ?? "")),
                ("probabilities", .object(shares)),
            ])
    }
}
