import Apus

/// What is to be taken of a file of weights that this program has not written, where it does not tell itself.
public struct WeightsReading: Hashable, Sendable {
    /// The keys that lead to the state dict in a file of PyTorch; nil where only one can be meant.
    public var key: String?
    /// What the names of the weights begin with in the file; nil where only one can be meant.
    public var prefix: String?
    /// Name of the model's sizes; nil finds the preset that the shapes of the weights belong to.
    public var preset: String?
    /// Names of the classes in the order of the head's rows.
    public var classes: [String]?

    public init(key: String? = nil, prefix: String? = nil, preset: String? = nil, classes: [String]? = nil) {
        (self.key, self.prefix, self.preset, self.classes) = (key, prefix, preset, classes)
    }

    var selection: WeightsSelection { .visionTransformer(key: key, prefix: prefix) }
}

/// The model that weights of the public code belong to, by their names and shapes.
struct PublicModel {
    let settings: any ModelSettings
    let configuration: Configuration
    /// What was taken, and as what.
    let notes: [String]

    /// Throws ``RunError`` if they are not those of a vision transformer with a preset's sizes, or if the head does not
    /// have a row for each class that is named.
    init(_ file: WeightsFile, _ reading: WeightsReading) throws {
        guard file.contains("cls_token"), file.contains("patch_embed.proj.weight") else {
            throw RunError.foreignCheckpoint(
                path: file.path,
                reason:
                    "it was not written by this program, and no weights of a vision transformer are in it; \(file.overview)"
            )
        }
        let name = try reading.preset ?? Self.preset(of: file)
        let side = try Self.side(of: file)
        // What has a decoder was pre-trained, and what has no head was too.
        if file.contains("mask_token") || !file.contains("head.weight") {
            var settings = PreTrainingSettings()
            (settings.preset, settings.imageSize) = (name, side)
            configuration = try settings.configuration(classes: 1)
            self.settings = settings
        } else {
            let classes = try file.shape("head.weight").first ?? 0
            if let names = reading.classes, names.count != classes {
                throw RunError.foreignCheckpoint(
                    path: file.path, reason: "its head has \(classes) classes, and --classes names \(names.count)")
            }
            var settings = FineTuningSettings()
            (settings.preset, settings.imageSize) = (name, side)
            settings.pooling = file.contains("fc_norm.weight") ? .mean : .classToken
            configuration = try settings.configuration(classes: classes)
            self.settings = settings
        }
        notes = [
            file.choice.map { "\(file.path): \($0)" },
            reading.preset == nil ? "\(file.path): preset \(name), by the shapes of its weights" : nil,
        ].compactMap(\.self)
    }

    /// The preset whose encoder has the shapes of the weights.
    private static func preset(of file: WeightsFile) throws -> String {
        let patch = try file.shape("patch_embed.proj.weight")
        let depth = file.names.count { $0.hasPrefix("blocks.") && $0.hasSuffix(".norm1.weight") }
        let preset = Configuration.presets.first { _, sizes in
            patch == [sizes.dim, sizes.channels, sizes.patch, sizes.patch] && depth == sizes.depth
        }
        guard let preset else {
            throw RunError.foreignCheckpoint(
                path: file.path,
                reason: "no preset has the sizes of its encoder: \(depth) blocks, and a patch embedding of \(patch)")
        }
        return preset.name
    }

    /// The side of the images, by the positions of a square grid of patches; nil if they are none.
    private static func side(of file: WeightsFile) throws -> Int? {
        guard file.contains("pos_embed"), let patch = try file.shape("patch_embed.proj.weight").last,
            let rows = try file.shape("pos_embed").dropFirst().first, rows > 1
        else { return nil }
        let grid = Int(Double(rows - 1).squareRoot().rounded())
        return grid * grid == rows - 1 && patch > 0 && Configuration.sizes.contains(grid * patch) ? grid * patch : nil
    }
}
