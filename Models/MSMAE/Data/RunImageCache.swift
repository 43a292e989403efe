import Apus
import Synchronization

/// The cache of decoded images that a run's settings ask for. Its warnings come from the threads that read images, and
/// are said where the run says something anyway.
final class RunImageCache: Sendable {
    /// Nil where the settings ask for none.
    let cache: ImageCache?
    private let warnings: Warnings

    /// Opens the folder; throws `invalidArgument` if it lies among the images.
    init<Settings: ModelSettings>(_ settings: Settings) throws(DataError) {
        let warnings = Warnings()
        self.warnings = warnings
        guard settings.imageCache != Settings.noFile else {
            cache = nil
            return
        }
        try DataPart.checkOutput(settings.imageCache, data: settings.data)
        // What was not said leaves the folder as large as others have said.
        let limit = settings.imageCacheSize.bytes
        cache = ImageCache(
            folder: settings.imageCache, limitBytes: limit == ImageCache.standardLimit ? nil : limit
        ) { warnings.add($0) }
    }

    /// Says what has come up since the last time.
    func warn(_ output: TrainingOutput) { warnings.take().forEach(output.warn) }

    private final class Warnings: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) { lines.withLock { $0.append(line) } }

        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }
}
