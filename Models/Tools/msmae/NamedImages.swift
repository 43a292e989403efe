import Apus
import ArgumentParser
import Foundation

/// The images that a command was given: files, and all images below folders.
struct NamedImages {
    let paths: [String]

    /// Finds the images of folders, and says on standard error what is left out there.
    init(_ arguments: [String]) throws {
        let list = try ImageList(arguments)
        for remark in list.remarks { MSMAETool.say("note: \(remark)") }
        paths = list.paths
    }

    /// Decodes one after the other. One that cannot be read is named on standard error and handed to `failed`; the
    /// others have their turn, and the exit status is then 1.
    func forEach(
        _ decoder: ImageDecoder, _ body: (RGBImage, _ index: Int) throws -> Void,
        failed: (DataError, _ index: Int) -> Void = { _, _ in }
    ) throws {
        var hasFailed = false
        for (index, path) in paths.enumerated() {
            let image: RGBImage
            do throws(DataError) {
                image = try decoder.decode(path: path)
            } catch {
                MSMAETool.say("error: \(error)")
                failed(error, index)
                hasFailed = true
                continue
            }
            try body(image, index)
        }
        if hasFailed { throw ExitCode.failure }
    }
}
