import Apus
import Foundation

/// The images that a model is evaluated on, with labels by the classes that it was trained on.
struct EvaluationImages {
    let loader: ImageLoader
    /// Names of the classes that the model knows.
    let classes: [String]
    /// The folder of the data that they are in.
    let part: String
    private let root: String
    /// The model's class for each class of the folder.
    private let numbers: [Int]

    /// Lists DATA/PART/CLASS/IMAGE; of the batches, a rank reads its share.
    ///
    /// Throws ``EvaluationError/unknownClass(name:path:known:)`` for a class that the model does not know; one that has
    /// no folder has no images.
    init(
        _ data: String, _ part: String, classes: [String], batch: Int, imageSize: Int, threads: Int,
        skipUnreadable: Bool, decoder: ImageDecoder, cache: ImageCache? = nil, share: DataShare = .whole
    ) throws {
        let images = try ImageFolder(root: DataPart.folder(part, of: data))
        numbers = try images.classes.map { name in
            guard let number = classes.exactIndex(of: name) else {
                throw EvaluationError.unknownClass(name: name, path: images.root, known: classes)
            }
            return number
        }
        loader = try ImageLoader(
            folder: images, batchSize: batch, imageSize: imageSize, augmentation: .evaluation, seed: 0,
            threads: threads,
            skipUnreadable: skipUnreadable, decoder: decoder, imageCache: cache, share: share)
        (self.classes, self.part, root) = (classes, part, data)
    }

    /// The images for validation and, where DATA/test is there, for testing. All are decoded once: a file that only the
    /// end of a run would open must not be found broken then.
    static func parts(
        of settings: some ModelSettings, classes: [String], imageSize: Int, cache: RunImageCache,
        share: DataShare = .whole, _ output: TrainingOutput
    ) throws -> [EvaluationImages] {
        let hasTest = Folders.exists(settings.data + "/test")
        return try (hasTest ? ["val", "test"] : ["val"]).map { part in
            let images = try EvaluationImages(
                settings.data, part, classes: classes, batch: settings.batch, imageSize: imageSize,
                threads: settings.readers, skipUnreadable: settings.skipUnreadable, decoder: settings.decoder,
                cache: cache.cache, share: share)
            let count = images.loader.items.count
            try images.loader.checkImages { seconds in
                guard seconds > 3 else { return }
                output.say("reading all \(count) images of \(part) once, about \(Int(seconds.rounded())) s")
            }
            return images
        }
    }

    /// True classes, in the order of the images.
    var labels: [Int] { loader.items.map { numbers[Int($0.label)] } }

    /// Paths of the images below the data's folder.
    var names: [String] {
        loader.items.map { $0.path.below(root) }
    }
}

/// Why a model cannot be evaluated.
public enum EvaluationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class that the model was not trained on.
    case unknownClass(name: String, path: String, known: [String])
    /// A folder with more or fewer classes than the head of weights that do not name theirs.
    case otherClasses(path: String, classes: Int, checkpoint: String, known: Int)
    /// A checkpoint without a classifier.
    case noClassifier(path: String, kind: RunKind)

    public var description: String { text.inOneLine }

    private var text: String {
        switch self {
        case .unknownClass(let name, let path, let known):
            "\(path)/\(name): the model was not trained on the class '\(name)'; it knows \(known.joined(separator: ", "))"
                + (known.contains(name) ? " (one of that look, whose letters are composed in another way)" : "")
        case .otherClasses(let path, let classes, let checkpoint, let known):
            "\(path): there are \(classes) classes, and \(checkpoint) knows \(known) without their names; give them by --classes, in the order of its training"
        case .noClassifier(let path, let kind):
            "\(path): a checkpoint of \(kind.workflow.activity) has no classifier that could be evaluated; "
                + (kind == .segment
                    ? "look at its regions by msmae segment predict or msmae segment evaluate"
                    : "fine-tune from it by msmae finetune --init")
        }
    }
}
