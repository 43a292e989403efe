import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct AttentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attention", abstract: "Draws where a pre-trained model looks, over the images.")

    @OptionGroup var pictures: PictureOptions

    func run() throws {
        let model = try pictures.trainedModel()
        try pictures.draw("attention", model.decoder) { image, _ in try model.attentionPicture(of: image) }
    }
}

struct ReconstructCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconstruct",
        abstract: "Draws what a pre-trained model sees of masked images, what it makes of that, and the originals.",
        discussion:
            "Masked patches are grey; patches that were thrown away are dark red, and nothing is predicted there.")

    @OptionGroup var pictures: PictureOptions
    @Option(help: "The same seed hides the same patches.") var seed: UInt64 = 0
    @Option(help: "random or attention. (default: what the run had come to)") var masking: String?

    func run() throws {
        let masking = try masking.map { name in
            guard let masking = Masking(rawValue: name) else {
                throw SettingError.outOfRange(name: "masking", value: .text(name), allowed: "random or attention")
            }
            return masking
        }
        let model = try pictures.trainedModel()
        try pictures.draw("reconstruction", model.decoder) { image, index in
            try model.reconstructionPicture(of: image, masking: masking, seed: seed, index: index)
        }
    }
}

/// What the commands that draw have in common.
struct PictureOptions: ParsableArguments {
    @OptionGroup var model: CheckpointOptions
    @OptionGroup var sizes: ImageLimitOptions
    @Option(parsing: .upToNextOption, help: "The images to look at, or folders of images.") var image: [String]
    @Option(help: "Folder for the pictures, made if it is missing.") var out: String
    @Option(help: "Draws each pixel as a square of this many by as many.") var scale = 1
    @OptionGroup var workers: ThreadOptions

    func validate() throws { try PictureFolder.check(scale: scale) }

    /// Opens the model, and says what was taken for granted of it.
    func trainedModel() throws -> TrainedModel {
        let trained = try TrainedModel(
            checkpoint: model.checkpoint, reading: model.reading(), threads: workers.threads, pinned: workers.pinned)
        for note in trained.notes { print(note) }
        return trained
    }

    /// Draws a picture of each image and writes it as PNG, named after the image and what is drawn.
    func draw(_ kind: String, _ decoder: ImageDecoder, _ picture: (RGBImage, _ index: Int) throws -> RGBImage) throws {
        let images = try NamedImages(image)
        let folder = try PictureFolder(out, kind: kind, images: images.paths, scale: scale)
        try images.forEach(decoder.limited(to: sizes.limits)) { image, index in
            print(try folder.write(picture(image, index), index).inOneLine)
        }
    }
}
