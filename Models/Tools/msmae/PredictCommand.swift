import Apus
import ArgumentParser
import Foundation
import MSMAE

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Says which class images belong to, and draws where the model looks.")

    @Argument(help: "The images.") var images: [String]
    @OptionGroup var model: CheckpointOptions
    @OptionGroup var naming: ClassNameOptions
    @Flag(help: "Print a JSON list.") var json = false
    @Option(
        help: "Folder for pictures of the attention over the images, made if it is missing; none are drawn without it.")
    var out: String?
    @Option(help: "Draws each pixel as a square of this many by as many.") var scale = 1
    @Option(help: "(default: one per processor)") var threads: Int?

    func validate() throws { try PictureFolder.check(scale: scale, threads: threads) }

    func run() throws {
        let reading = model.reading(classes: naming.names)
        let classifier = try Classifier(checkpoint: model.checkpoint, reading: reading, threads: threads)
        if !json { for note in classifier.notes { print(note) } }
        let pictures = try out.map { try PictureFolder($0, kind: "attention", images: images, scale: scale) }
        let drawn = try out.map { _ in
            try TrainedModel(checkpoint: model.checkpoint, reading: reading, threads: threads)
        }
        var predictions: [Prediction] = []
        for (index, path) in images.enumerated() {
            let image = try classifier.decoder.decode(path: path)
            let shares = try classifier.probabilities(of: image)
            let picture = try pictures.flatMap { folder in
                try drawn.map { try folder.write($0.attentionPicture(of: image), index) }
            }
            predictions.append(
                Prediction(image: path, classes: classifier.classes, probabilities: shares, attention: picture))
            if !json { print(predictions[index].text) }
        }
        if json { print(try Prediction.json(predictions)) }
    }
}

/// What the model says of one image.
private struct Prediction: Encodable {
    let image: String
    let predicted: String
    let probabilities: [String: Double]
    /// The picture of the attention, if one was drawn.
    let attention: String?

    init(image: String, classes: [String], probabilities: [Double], attention: String?) {
        (self.image, self.attention) = (image, attention)
        self.probabilities = Dictionary(uniqueKeysWithValues: zip(classes, probabilities))
        predicted = zip(classes, probabilities).max { $0.1 < $1.1 }?.0 ?? ""
    }

    /// The image and its classes, the most probable one first.
    var text: String {
        let ordered = probabilities.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let width = ordered.map(\.key.count).max() ?? 0
        let lines = ordered.map { name, share in
            "  " + name + String(repeating: " ", count: width - name.count) + String(format: "  %.4f", share)
        }
        return ([image] + lines + (attention.map { ["  \($0)"] } ?? [])).joined(separator: "\n")
    }

    static func json(_ predictions: [Prediction]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(predictions), as: UTF8.self)
    }
}
