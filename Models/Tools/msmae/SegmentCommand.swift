import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct SegmentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment", abstract: "Finds regions in images, pixel by pixel.",
        subcommands: [SegmentTrainCommand.self, SegmentEvaluateCommand.self, SegmentPredictCommand.self])
}

struct SegmentTrainCommand: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a segmentation on images with masks, from pre-trained or random weights.",
        discussion: """
            DATA holds images in train/images and val/images, and their masks, black and white PNG files of equal names, in train/masks/CLASS and \
            val/masks/CLASS. Each epoch ends with a validation. The run's folder gets config.json, log.jsonl, checkpoints/, best.safetensors \
            (the best IoU) and, at the end, evaluation.json. Ctrl-C ends the run after the step at hand with a checkpoint; the exit status is \
            then 130, 143 after SIGTERM, or 129 after SIGHUP. A file given by --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: SettingsOptions<SegmentationSettings>

    func run() throws { try training.train(SegmentationTask.self, settings) }
}

struct SegmentEvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measures a trained segmentation on images with masks.",
        discussion: """
            IoU and F1 (the Dice coefficient) are means over classes, of the pixels of all images, and means over images; where there is nothing to \
            find and nothing found they are 1.
            """)

    @Option(help: "A checkpoint, or the folder of a run, whose newest one is taken.") var checkpoint: String
    @Option(help: "Folder of images and masks.") var data: String
    @Option(help: "The part of the data to measure on, a folder in it.") var part = "val"
    @Option(help: "Images per batch. (default: the run's)") var batch: Int?
    @OptionGroup var sizes: ImageLimitOptions
    @OptionGroup var images: ImageCacheOptions
    @Option(help: "File for the results as JSON.") var out: String?
    @OptionGroup var workers: ThreadOptions

    func validate() throws {
        for (name, value, range) in [("batch", batch ?? 1, 1...65536)]
        where !range.contains(value) {
            throw SettingError.outOfRange(
                name: name, value: .integer(value), allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() throws {
        if let out { try AtomicFile.check(out) }
        let (report, remarks) = try Segmenter(checkpoint: checkpoint, threads: workers.threads, pinned: workers.pinned)
            .evaluate(
                data, part: part, batch: batch, limits: sizes.limits, cache: images.cache)
        for remark in remarks { print(remark) }
        print(report.text)
        if let out { try report.write(to: out) }
    }
}

struct SegmentPredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Draws the regions that a trained segmentation finds over the images.",
        discussion: "Says for each class which share of the image it has.")

    @Argument(help: "The images, or folders of images.") var images: [String]
    @Option(help: "A checkpoint, or the folder of a run, whose newest one is taken.") var checkpoint: String
    @Option(help: "Folder for the pictures, made if it is missing.") var out: String
    @OptionGroup var sizes: ImageLimitOptions
    @Flag(help: "Also write a black and white mask of each class.") var masks = false
    @Option(help: "Draws each pixel as a square of this many by as many; not in masks.") var scale = 1
    @OptionGroup var workers: ThreadOptions

    func validate() throws { try PictureFolder.check(scale: scale) }

    func run() throws {
        let segmenter = try Segmenter(checkpoint: checkpoint, threads: workers.threads, pinned: workers.pinned)
        let images = try NamedImages(self.images)
        let folder = try PictureFolder(out, kind: "segmentation", images: images.paths, scale: scale)
        let maskFolders = try (masks ? segmenter.classes : []).map {
            try PictureFolder(out, kind: "\($0)-mask", images: images.paths, scale: 1)
        }
        try images.forEach(segmenter.decoder.limited(to: sizes.limits)) { image, index in
            let regions = try segmenter.regions(in: image)
            print(try folder.write(image.drawing(regions), index).inOneLine)
            for (name, region) in zip(segmenter.classes, regions) {
                print("  \(name.inOneLine)  \(String(format: "%.2f", 100 * region.share)) % of the image")
            }
            for (folder, region) in zip(maskFolders, regions) {
                print("  \(try folder.write(region.mask(), index).inOneLine)")
            }
        }
    }
}
