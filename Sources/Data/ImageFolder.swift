import ApusFiles

/// The images under one folder with a subfolder for each class, the layout `ROOT/CLASS/IMAGE`.
///
/// Classes are the subfolders in order of their names, labels count from 0; images in folders inside of a class's
/// folder belong to the class. Images are ordered by class, then folder, then name (names compare by code point), as in
/// torchvision. Files of other types are ``leftOut``, and so are masks beside their images, such as `STEM_mask.png`
/// beside `STEM.png`; hidden files are passed over.
public struct ImageFolder: Sendable, Equatable {
    /// One image file and the index of its class.
    public struct Item: Sendable, Equatable {
        /// Where the file is.
        public let path: String
        /// Index into the folder's classes.
        public let label: Int32

        /// Pairs a file with its class.
        public init(path: String, label: Int32) {
            self.path = path
            self.label = label
        }
    }

    /// The folder, as it was given.
    public let root: String
    /// Names of the classes; a label is an index into them.
    public let classes: [String]
    /// All images.
    public let items: [Item]
    /// The files that are no images, or lie beside the class folders; nil if there are none.
    public let leftOut: LeftOutFiles?

    /// The file name extensions that count as images, in lower case.
    public static let imageExtensions: Set<String> = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "dcm"]

    /// Lists a folder; throws `folderMissing`, `noClasses`, `emptyClass` (which names the class) or `fileUnreadable`.
    public init(root: String, extensions: Set<String> = ImageFolder.imageExtensions) throws(DataError) {
        guard FileAccess.isFolder(root) else {
            throw DataError(
                .folderMissing, "there is no such folder", path: root,
                advice: "Give a folder that holds one subfolder of images for each class.")
        }
        classes = try FileAccess.folders(in: root)
        guard !classes.isEmpty else {
            throw DataError(
                .noClasses, "the folder holds no class folders", path: root,
                advice: "Put the images into one subfolder for each class.")
        }
        var items: [Item] = [], masks: [String] = []
        var others = try FileAccess.names(in: root).filter { name in
            !FileAccess.isFolder("\(root)/\(name)")
                && (!FileAccess.isHidden(name) || FolderContent.isImage(name, extensions))
        }
        for (label, name) in classes.enumerated() {
            let folder = "\(root)/\(name)"
            let content = try FolderContent(folder, extensions: extensions)
            let (images, itsMasks) = content.separatingMasks()
            guard !images.isEmpty else { throw Self.emptyClass(name, path: folder, others: content.others) }
            items += images.map { Item(path: "\(folder)/\($0)", label: Int32(label)) }
            others += content.others.map { "\(name)/\($0)" }
            masks += itsMasks.map { "\(name)/\($0)" }
        }
        leftOut = LeftOutFiles(
            root: root, names: others, masks: masks, imageCount: items.count, extensions: extensions)
        self.root = root
        self.items = items
    }

    static func emptyClass(_ name: String, path: String, others: [String] = []) -> DataError {
        DataError(
            .emptyClass,
            "the class '\(name)' has no readable image"
                + (others.isEmpty ? "" : ", only \(LeftOutFiles.shown(others))"),
            path: path, advice: "Add images (PNG, JPEG, TIFF, BMP, WebP or DICOM), or remove the folder.")
    }
}
