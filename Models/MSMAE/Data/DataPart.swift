import Apus
import Foundation

/// The parts that a set of images is divided into: the folders DATA/train, DATA/val and DATA/test.
public enum DataPart {
    private static let names = ["train", "val", "test"]

    /// The folder of a part; throws `folderMissing` with what to do if it is not there.
    static func folder(_ name: String, of data: String) throws(DataError) -> String {
        let folder = "\(data)/\(name)"
        if Folders.isFolder(folder) { return folder }
        let advice =
            if !Folders.isFolder(data) {
                "Check the spelling of \(data)."
            } else if name != "train", Folders.isFolder("\(data)/train") {
                "Divide the images, such as by: msmae split \(data)/train NEW, and give --data NEW."
            } else if holdsImages(data) {
                "The images are not divided yet; do it by: msmae split \(data) NEW, and give --data NEW."
            } else {
                "Give the folder that holds train and val; msmae split makes one of a folder of images."
            }
        throw DataError(.folderMissing, "there is no such folder", path: folder, advice: advice)
    }

    /// Throws `invalidArgument` if a folder to be written would lie in a part of a set of images, where the next run
    /// would take it for a class. Without `data`, what looks like a part counts.
    public static func checkOutput(_ path: String, data: String? = nil) throws(DataError) {
        let out = canonical(path)
        var parts: [String] = []
        if let data {
            parts = names.map { canonical("\(data)/\($0)") }
        } else {
            var folder = (out as NSString).deletingLastPathComponent
            while folder.count > 1 {
                if names.contains((folder as NSString).lastPathComponent), holdsImages(folder) { parts.append(folder) }
                folder = (folder as NSString).deletingLastPathComponent
            }
        }
        guard let part = parts.first(where: { out == $0 || out.hasPrefix($0 + "/") }) else { return }
        throw DataError(
            .invalidArgument, "the folder lies among the images in \(part)", path: path,
            advice: "Choose a folder outside, or the next run would take it for a class.")
    }

    /// Whether a folder has images in folders of their own, as classes or beside masks.
    private static func holdsImages(_ folder: String) -> Bool {
        (try? ImageFolder(root: folder)) != nil || Folders.isFolder("\(folder)/images")
    }

    /// The path without links in the part of it that exists.
    private static func canonical(_ path: String) -> String {
        var existing = URL(fileURLWithPath: path).standardizedFileURL.path, rest: [String] = []
        while existing.count > 1, !FileManager.default.fileExists(atPath: existing) {
            rest.insert((existing as NSString).lastPathComponent, at: 0)
            existing = (existing as NSString).deletingLastPathComponent
        }
        return rest.reduce(URL(fileURLWithPath: existing).resolvingSymlinksInPath().path) { "\($0)/\($1)" }
    }
}
