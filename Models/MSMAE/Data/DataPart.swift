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
        let out = Folders.resolved(path)
        var parts: [String] = []
        if let data {
            parts = names.map { Folders.resolved("\(data)/\($0)") }
        } else {
            var folder = out.parentPath
            while folder.count > 1 {
                if names.contains(folder.lastComponent), holdsImages(folder) { parts.append(folder) }
                folder = folder.parentPath
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

}
