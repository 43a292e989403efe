import Apus
import ArgumentParser

/// The largest image files that are read, for all commands that look at images without training.
struct ImageLimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The most pixels of an image file: of a side, and in all. (default: the run's; 16384,134217728)",
            valueName: "side,pixels"))
    var maxImage: String?

    func validate() throws { _ = try limits }

    /// The limits, if they were given.
    var limits: ImageDecoder.Limits? {
        get throws {
            try maxImage.map { text in
                do throws(DataError) {
                    return try ImageDecoder.Limits(text)
                } catch {
                    throw ValidationError("--max-image is '\(text)'. \(error.advice)")
                }
            }
        }
    }
}
