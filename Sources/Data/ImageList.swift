import ApusFiles
import Foundation

/// Image files as a user names them: each alone, or all that are below a folder.
public struct ImageList: Sendable, Equatable {
    /// The files, in the order in which they were named, and for a folder: by folder, then by name.
    public let paths: [String]
    /// What is left out of the folders, a line for each.
    public let remarks: [String]

    /// Looks for the images below those of `paths` that are folders.
    ///
    /// Throws `noImages` for a folder that has none, and `fileUnreadable` for one that cannot be listed or a pattern
    /// that nothing matches. Whether files are there and are images is seen when they are read.
    public init(_ paths: [String], extensions: Set<String> = ImageFolder.imageExtensions) throws(DataError) {
        var images: [String] = [], remarks: [String] = []
        for argument in paths {
            // A file that is there by the very name may look as if it had an escape in it.
            let path = access(argument, F_OK) == 0 ? String(nameBytes: Array(argument.utf8)) : argument
            guard FileAccess.isFolder(path) else {
                // The shell hands on a pattern as it is when no file has such a name.
                if path.utf8.contains(where: { "*?[".utf8.contains($0) }), access(path.systemName, F_OK) != 0 {
                    throw DataError(
                        .fileUnreadable, "no file has a name of this pattern", path: path,
                        advice: "Check the folder and the ending, or give the folder.")
                }
                images.append(path)
                continue
            }
            let content = try FolderContent(path, extensions: extensions)
            guard !content.images.isEmpty else {
                throw DataError(
                    .noImages,
                    "the folder holds no images"
                        + (content.others.isEmpty ? "" : ", only \(LeftOutFiles.shown(content.others))"),
                    path: path, advice: "Give images (PNG, JPEG, TIFF, BMP, WebP or DICOM), or a folder with some.")
            }
            let folder = path.utf8.last == UInt8(ascii: "/") ? path : path + "/"
            images += content.images.map { folder + $0 }
            let leftOut = LeftOutFiles(
                root: path, names: content.others, imageCount: content.images.count, extensions: extensions)
            if let leftOut { remarks.append(leftOut.description) }
        }
        (self.paths, self.remarks) = (images, remarks)
    }
}
