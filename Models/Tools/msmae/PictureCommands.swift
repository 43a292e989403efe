import Apus
import ArgumentParser
import Foundation
import MSMAE

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
    @Option(parsing: .upToNextOption, help: "The images to look at.") var image: [String]
    @Option(help: "Folder for the pictures, made if it is missing.") var out: String
    @Option(help: "Draws each pixel as a square of this many by as many.") var scale = 1
    @Option(help: "(default: one per processor)") var threads: Int?

    func validate() throws { try PictureFolder.check(scale: scale, threads: threads) }

    /// Opens the model, and says what was taken for granted of it.
    func trainedModel() throws -> TrainedModel {
        let trained = try TrainedModel(checkpoint: model.checkpoint, reading: model.reading(), threads: threads)
        for note in trained.notes { print(note) }
        return trained
    }

    /// Draws a picture of each image and writes it as PNG, named after the image and what is drawn.
    func draw(_ kind: String, _ decoder: ImageDecoder, _ picture: (RGBImage, _ index: Int) throws -> RGBImage) throws {
        let folder = try PictureFolder(out, kind: kind, images: image, scale: scale)
        for (index, path) in image.enumerated() {
            print(try folder.write(picture(decoder.decode(path: path), index), index))
        }
    }
}

/// A folder for pictures that are named after images and what is drawn of them.
struct PictureFolder {
    private let path: String, kind: String, names: [String], scale: Int

    /// Makes the folder where it is missing.
    init(_ path: String, kind: String, images: [String], scale: Int) throws {
        try DataPart.checkOutput(path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DataError(
                .fileUnwritable, "the folder cannot be made (\(error.localizedDescription))", path: path,
                advice: "Check that the folder above it may be written to.")
        }
        (self.path, self.kind, names, self.scale) = (path, kind, Self.names(images), scale)
    }

    static func check(scale: Int, threads: Int?) throws(SettingError) {
        for (name, value, range) in [("scale", scale, 1...64), ("threads", threads ?? 1, 1...1024)]
        where !range.contains(value) {
            throw SettingError.outOfRange(
                name: name, value: .integer(value), allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// Writes the picture of an image as PNG, and returns where it is.
    func write(_ picture: RGBImage, _ index: Int) throws -> String {
        let target = "\(path)/\(names[index])-\(kind).png"
        try picture.enlarged(scale).writePNG(to: target)
        return target
    }

    /// A name for each image: its file's without the ending, with as many of the folders above as tell it from the
    /// others.
    static func names(_ paths: [String]) -> [String] {
        let parts = paths.map { path in
            URL(fileURLWithPath: path).deletingPathExtension().standardizedFileURL.pathComponents.filter { $0 != "/" }
        }
        func name(_ index: Int, _ length: Int) -> String { parts[index].suffix(length).joined(separator: "-") }
        return paths.indices.map { index in
            let longest = max(parts[index].count, 1)
            let length = (1...longest).first { length in
                !paths.indices.contains { $0 != index && name($0, length) == name(index, length) }
            }
            // Only an image that is given twice finds none; or one with two endings.
            return length.map { name(index, $0) } ?? "\(name(index, 1))-\(index)"
        }
    }
}
