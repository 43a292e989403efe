import Apus
import ApusInspection
import ApusInterchange
import Foundation
import MSMAE
import ToolOptions

/// The readers of files that come from outside. Whatever the bytes: each answers or throws an error that can be shown.
enum Reader: String, CaseIterable {
    /// Graphs in text form.
    case graph
    /// Graphs with weights, of other programs.
    case onnx
    /// Weights and checkpoints: safetensors, and PyTorch's archives with what is pickled in them.
    case safetensors, torch
    /// Tensors of NumPy, and archives of them.
    case npy, npz
    /// Compiled programs.
    case program
    /// Settings and recipes in YAML.
    case settings, recipe
    /// Tables of patients.
    case patients
    /// Images, as they are and in the window of 16-bit scans; one reader for all, with seeds of one format each.
    case png, jpeg, tiff, bmp, webp, dicom
    /// What stands in the folder of a run.
    case checkpoint, log, predictions, evaluation

    /// Reads bytes, and everything in them. Throws what a user would be shown.
    func read(_ bytes: UnsafeRawBufferPointer) throws {
        switch self {
        case .graph: try Self.graph(String(decoding: bytes, as: UTF8.self))
        case .onnx: try OnnxModel(Data(bytes)).imported(dimensions: ["batch": 1]).graph.verify()
        case .program:
            _ = try? ProgramFile(decoding: Array(bytes), name: "input")
            _ = try ProgramFile(decoding: Self.sealedProgram(bytes), name: "input").loaded(name: "input")
        case .patients:
            try Self.file("csv", bytes) { path in
                _ = try PatientTable(csv: TextFile.read(path), path: path, image: "image", patient: "patient")
            }
        case .png, .jpeg, .tiff, .bmp, .webp, .dicom: try Self.image(Array(bytes))
        case .safetensors: try Self.file("safetensors", bytes) { try Self.tensors(WeightsFile(contentsOf: $0)) }
        case .torch:
            try Self.file("pth", bytes) { path in
                let file = try TorchCheckpoint(contentsOf: path, groupings: .visionTransformer)
                for name in file.names { _ = try (file.shape(name), file.elementType(name), file.floats(name)) }
                _ = try file.optimizer()
            }
        case .npy: try Self.file("npy", bytes) { _ = try NPYFile(contentsOf: $0) }
        case .npz:
            try Self.file("npz", bytes) { path in
                let file = try NPZFile(contentsOf: path)
                for name in file.names { _ = try (file.shape(name), file.bytes(name)) }
            }
        case .settings:
            try Self.file("yaml", bytes) { _ = try SettingsFile.read($0, for: FineTuningSettings.self) }
        case .recipe: try Self.file("yaml", bytes) { _ = try RecipeFile.read($0) }
        case .checkpoint:
            try Self.file("safetensors", bytes) { path in
                let file = try SafetensorsFile(contentsOf: path)
                _ = try RunCheckpoint<PreTrainingSettings>(file).settings.configuration(classes: 2)
            }
        case .log: try Self.inRun("log.jsonl", bytes)
        case .predictions: try Self.inRun("predictions-all.csv", bytes)
        case .evaluation: try Self.inRun("evaluation.json", bytes)
        }
    }

    /// A graph that is read prints to a text that is read as the same graph.
    private static func graph(_ text: String) throws {
        let graph = try Graph(parsing: text)
        try graph.verify()
        guard try Graph(parsing: graph.text()) == graph else { fatalError("the graph is another one when read again") }
    }

    /// A program whose header has the length and the digest that stand before it. A mutated one has not, and would be
    /// refused before anything of it is parsed. Zeros, which JSON does not have, follow the header, and code does not
    /// begin by one.
    private static func sealedProgram(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let content = bytes.dropFirst(ProgramFile.prefixBytes), header = content.prefix { $0 != 0 }
        return ProgramFile.sealed(Array(header), before: Array(content[header.endIndex...].drop { $0 == 0 }))
    }

    /// Sides of up to 256 pixels, so that an input takes no second.
    private static func image(_ bytes: [UInt8]) throws {
        let limits = ImageDecoder.Limits(side: 256, pixels: 1 << 16)
        let window = try IntensityWindow(low: -160, high: 240, offset: 32768)
        for decoder in [ImageDecoder(limits: limits), ImageDecoder(limits: limits, window: window)] {
            let image = try decoder.decode(bytes)
            precondition(image.pixels.count == 3 * image.width * image.height, "pixels are missing")
        }
    }

    private static func tensors(_ file: WeightsFile) throws {
        for name in file.names { _ = try (file.shape(name), file.elementType(name), file.floats(name)) }
        _ = try file.optimizer()
    }

    // MARK: - Files

    /// A folder in memory where there is one, for readers that take paths.
    private static let folder: String = {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
        let folder = "\(parent)/apus-fuzz-\(getpid())"
        mkdir(folder, 0o700)
        return folder
    }()

    private static func file(_ ending: String, _ bytes: UnsafeRawBufferPointer, _ read: (String) throws -> Void) throws
    {
        let path = "\(folder)/input.\(ending)"
        guard let file = fopen(path, "w") else { fatalError("no file can be written in \(folder)") }
        fwrite(bytes.baseAddress, 1, bytes.count, file)
        fclose(file)
        defer { unlink(path) }
        try read(path)
    }

    /// Bytes as a file of a run, which is then read for a report.
    private static func inRun(_ name: String, _ bytes: UnsafeRawBufferPointer) throws {
        let run = "\(folder)/run"
        if mkdir(run, 0o700) == 0, let settings = fopen("\(run)/config.json", "w") {
            fputs("{}", settings)
            fclose(settings)
        }
        try file("input", bytes) { path in
            rename(path, "\(run)/\(name)")
            defer { unlink("\(run)/\(name)") }
            if let problem = try RunRecord(path: run).problems.first { throw problem }
        }
    }
}
