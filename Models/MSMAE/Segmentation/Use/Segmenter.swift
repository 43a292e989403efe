import Apus

/// A trained segmentation as a checkpoint has it: to evaluate it on images with masks, and to find regions in single
/// ones.
public final class Segmenter {
    /// Names of the classes, in the order of the masks.
    public let classes: [String]
    /// How image files are read, as in training.
    public var decoder: ImageDecoder { settings.decoder }
    private let saved: SavedModel
    private let settings: SegmentationSettings
    private let model: SegmentationModel
    private let compiler: RunCompiler
    private var single: (program: CompiledStep, state: ProgramState)?

    /// Opens a checkpoint, or the newest one of a run's folder; without `threads`, as many are used as `ThreadChoice`
    /// says.
    ///
    /// Throws if it is broken, was not written by this program, or holds no segmentation.
    public init(
        checkpoint path: String, threads: Int? = nil, pinned: Bool = false, output: TrainingOutput = .silent
    ) throws {
        saved = try SavedModel(checkpoint: path)
        guard var settings = saved.settings as? SegmentationSettings else {
            throw SegmentationError.noSegmentation(path: saved.path, kind: saved.kind)
        }
        settings.threads = threads
        self.settings = settings
        classes = saved.classes ?? []
        model = try settings.model(classes: classes.count)
        compiler = try RunCompiler(saved.options, threads: threads, pinned: pinned, output)
    }

    /// Measures the segmentation on DATA/PART/images and DATA/PART/masks/CLASS; returns also what a user should know of
    /// the folder. The run's cache of images is not used, another one may be.
    public func evaluate(
        _ data: String, part: String = "val", batch: Int? = nil, limits: ImageDecoder.Limits? = nil,
        cache: ImageCache? = nil
    ) throws -> (report: SegmentationReport, remarks: [String]) {
        var settings = settings
        settings.imageLimits = limits ?? settings.imageLimits
        let loader = try settings.loader(
            data, part: part, known: classes, augmentation: .evaluation, batch: batch ?? settings.batch,
            imageSize: saved.configuration.image, cache: cache)
        let evaluator = SegmentationEvaluator(model, loader, compiler)
        var report = SegmentationReport(classes: classes, images: loader.items.count)
        let result = try evaluator.result(
            evaluator.state(filledBy: saved.load), checkpoint: saved.path, epoch: saved.lastEpoch)
        report.results = [result].compactMap(\.self)
        return (report, loader.remarks)
    }

    /// Where each class is in an image, in the image's size.
    public func regions(in image: RGBImage) throws -> [Region] {
        let (program, state) = try single ?? prepare()
        let side = saved.configuration.image
        let pixels = try image.resized(width: side, height: side, filter: .bilinear).normalized(settings.normalization)
        let images = try TensorData(pixels, shape: [1, saved.configuration.channels, side, side])
        let logits = try program.run(state, ["images": images])["logits"]?.floats ?? []
        return classes.indices.map { number in
            Region(
                logits: Array(logits[number * side * side..<(number + 1) * side * side]), side: side,
                width: image.width, height: image.height)
        }
    }

    private func prepare() throws -> (CompiledStep, ProgramState) {
        let program = try compiler.compile("segmentation of one image", model.segmentation(batch: 1)),
            state = ProgramState()
        try program.addParameters(to: state, seed: 0)
        try saved.load(program.program.parameters, into: state)
        single = (program, state)
        return (program, state)
    }
}

/// The pixels of an image that belong to a class.
public struct Region: Hashable, Sendable {
    public let width: Int, height: Int
    /// Row by row.
    public let isInside: [Bool]

    /// Pixels whose score is above 0, where scores [side, side] are interpolated between the centres of theirs.
    init(logits: [Float], side: Int, width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        func places(_ count: Int) -> [(lower: Int, upper: Int, share: Float)] {
            (0..<count).map { index in
                let position = min(max((Float(index) + 0.5) * Float(side) / Float(count) - 0.5, 0), Float(side - 1)),
                    lower = Int(position)
                return (lower, min(lower + 1, side - 1), position - Float(lower))
            }
        }
        let columns = places(width)
        isInside = places(height).flatMap { row in
            columns.map { column in
                func between(_ line: Int) -> Float {
                    logits[line * side + column.lower] * (1 - column.share) + logits[line * side + column.upper]
                        * column.share
                }
                return between(row.lower) * (1 - row.share) + between(row.upper) * row.share > 0
            }
        }
    }

    /// Share of the image that is inside.
    public var share: Double { Double(isInside.count { $0 }) / Double(isInside.count) }

    /// Whether a pixel inside has a neighbour outside.
    func isEdge(_ place: Int) -> Bool {
        let (x, y) = (place % width, place / width)
        guard isInside[place] else { return false }
        return x == 0 || y == 0 || x == width - 1 || y == height - 1
            || !isInside[place - 1] || !isInside[place + 1] || !isInside[place - width] || !isInside[place + width]
    }

    /// The mask as an image, white inside and black elsewhere.
    public func mask() throws -> RGBImage {
        try RGBImage(
            width: width, height: height, pixels: isInside.flatMap { [UInt8](repeating: $0 ? 255 : 0, count: 3) })
    }
}

extension RGBImage {
    /// The image with regions tinted, each in a colour of its own, within a line of that colour.
    public func drawing(_ regions: [Region]) throws -> RGBImage {
        var drawn = pixels
        for (number, region) in regions.enumerated() where (region.width, region.height) == (width, height) {
            let colour = RegionColour.all[number % RegionColour.all.count]
            for place in region.isInside.indices where region.isInside[place] {
                let share: Float = region.isEdge(place) ? 1 : 0.3
                for channel in 0..<3 {
                    drawn[3 * place + channel] = UInt8(
                        (Float(drawn[3 * place + channel]) * (1 - share) + colour[channel] * share).rounded())
                }
            }
        }
        return try RGBImage(width: width, height: height, pixels: drawn)
    }
}

private enum RegionColour {
    /// Colours that people with any colour vision tell apart (Okabe and Ito 2008).
    static let all: [SIMD3<Float>] = [
        SIMD3(230, 159, 0), SIMD3(86, 180, 233), SIMD3(0, 158, 115), SIMD3(240, 228, 66), SIMD3(0, 114, 178),
        SIMD3(213, 94, 0), SIMD3(204, 121, 167),
    ]
}
