import Apus
import ArgumentParser
import MSMAE
import ToolOptions

/// Where decoded images are kept, for all commands that look at folders of images without being a run; runs have
/// settings of the same names.
struct ImageCacheOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder that keeps decoded images, for other commands too; results are the same. (default: none)",
            valueName: "folder"),
        completion: .directory)
    var imageCache: String?

    @Option(
        help: ArgumentHelp("Bytes that the folder may take, such as 200GB. (default: 20GB)", valueName: "bytes"))
    var imageCacheSize: ByteCount?

    func validate() throws { if let imageCache { try DataPart.checkOutput(imageCache) } }

    /// The cache, if a folder was given.
    var cache: ImageCache? {
        imageCache.map { ImageCache(folder: $0, limitBytes: imageCacheSize?.bytes) }
    }

    /// The same as settings of runs.
    var settings: [String: SettingValue] {
        var settings: [String: SettingValue] = [:]
        settings["image-cache"] = imageCache.map { .text($0) }
        settings["image-cache-size"] = imageCacheSize?.settingValue
        return settings
    }
}
