import Apus
import ArgumentParser
import MSMAE

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Makes sets of images.", subcommands: [PhantomCommand.self])
}

struct PhantomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phantom",
        abstract: "Makes a synthetic set of medical-looking images whose classes differ by small lesions.")

    @Option(help: "The folder to make; it must be new or empty.") var out: String
    @Option(help: "The number of classes.") var classes = 4
    @Option(help: "Training images of all classes together.") var train = 800
    @Option(help: "Validation images of all classes together.") var val = 200
    @Option(help: "Width and height in pixels.") var size = 96
    @Flag(help: "Write images/ and masks/lesion/ for a segmentation, in place of class folders.") var masks = false
    @Option(help: "The same seed gives the same images.") var seed: UInt64 = 0

    func run() throws {
        try DataPart.checkOutput(out)
        Interrupt.install()
        try PhantomDataSet.write(
            to: out, layout: masks ? .masks : .classes, classes: classes, train: train, validation: val, size: size,
            seed: seed
        ) { Interrupt.requested }
        let kind = masks ? "with masks of \(classes) kinds of lesion" : "in \(classes) classes"
        print("wrote \(train) training and \(val) validation images \(kind) to \(out)")
    }
}
