import Apus
import ApusInterchange
import ArgumentParser
import MSMAE
import ToolOptions

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a trained classifier or segmentation as a file that other programs compute with.",
        discussion: """
            The file takes `images`, f32 [batch, channels, side, side], scaled and normalised as in training, and gives `logits`: of a classifier the \
            score of each class, seen on all patches (and `features`, what the head sees), of a segmentation that of each pixel. Names of weights are kept.
            """)

    /// A format of files.
    enum Format: String, CaseIterable, ExpressibleByArgument { case onnx }

    @Argument(
        help: ArgumentHelp("A checkpoint, or the folder of a run, whose newest one is taken.", valueName: "run"),
        completion: .file())
    var checkpoint: String
    @Option(help: "The format: onnx, with operators of version \(OnnxFile.opset) (opset).") var format = Format.onnx
    @Option(help: "Where the file goes.", completion: .file()) var output: String
    @Option(help: "Images in a batch. (default: the file leaves it open)") var batch: Int?
    @Flag(help: "Write the weights to OUTPUT.data, as is done anyway if they take more than 1.9 GB.")
    var weightsBeside = false
    @OptionGroup var weights: ForeignWeightsOptions

    func validate() throws {
        if let batch, !(1...4096).contains(batch) {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
    }

    func run() throws {
        try AtomicFile.check(output)
        let model = try InferenceModel(checkpoint: checkpoint, reading: weights.reading())
        for note in model.notes { print(note) }
        // Two numbers of images show where their number stands.
        let options =
            try batch.map { _ in OnnxExportOptions() }
            ?? OnnxExportOptions(batch: .symbolic(name: "batch", other: model.graph(batch: 3)))
        let file = try model.graph(batch: batch ?? 2).onnx(options: options) {
            OnnxWeight(try model.weight($0).hostTensor)
        }
        try file.write(to: output, weightsBeside: weightsBeside)
        let classes = model.classes.map { ", classes \($0.map(\.inOneLine).joined(separator: ", "))" } ?? ""
        print(
            "\(output): opset \(OnnxFile.opset), \(file.operators.count) nodes, \(file.weightBytes) bytes of weights\(classes)"
        )
    }
}
