import ApusFiles

/// Images and their masks under one folder: `ROOT/images/STEM.png` and `ROOT/masks/CLASS/STEM.png`, with equal stems.
///
/// Classes are the subfolders of `masks`, images are ordered by their file's stem (both compare by code point). Every
/// image has a mask of every class; where a class does not occur, the mask is black. In folders inside of `images`,
/// images are found by their path: `images/P1/STEM.png` belongs to `masks/CLASS/P1/STEM.png`. Files of other types are
/// ``leftOut``; hidden files are passed over.
public struct SegmentationFolder: Sendable, Equatable {
    /// One image and its masks.
    public struct Item: Sendable, Equatable {
        /// Where the image is.
        public let image: String
        /// Where its masks are, one for each class, in the order of the classes.
        public let masks: [String]
    }

    /// The folder, as it was given.
    public let root: String
    /// Names of the classes; a mask's channel is an index into them.
    public let classes: [String]
    /// All images.
    public let items: [Item]
    /// The files that are neither images nor masks; nil if there are none.
    public let leftOut: LeftOutFiles?

    /// Lists a folder; throws `folderMissing`, `noClasses`, `noImages`, `ambiguousName`, `maskMissing`, `imageMissing`
    /// or `fileUnreadable`. The files themselves are looked at by ``SegmentationLoader``.
    public init(root: String, extensions: Set<String> = ImageFolder.imageExtensions) throws(DataError) {
        let (imageFolder, maskFolder) = ("\(root)/images", "\(root)/masks")
        for folder in [root, imageFolder, maskFolder] where !FileAccess.isFolder(folder) {
            throw DataError(
                .folderMissing, "there is no such folder", path: folder,
                advice: "Give a folder that holds images/ and, for each class, masks/CLASS/.")
        }
        let classes = try FileAccess.folders(in: maskFolder)
        guard !classes.isEmpty else {
            throw DataError(
                .noClasses, "the folder holds no class folders", path: maskFolder,
                advice: "Put the masks into one subfolder for each class, also if there is only one class.")
        }
        let imageContent = try FolderContent(imageFolder, extensions: extensions)
        let images = try Self.files(imageContent, in: imageFolder)
        var others = imageContent.others.map { "images/\($0)" }
        guard !images.isEmpty else {
            throw DataError(
                .noImages,
                "the folder holds no images"
                    + (others.isEmpty ? "" : ", only \(LeftOutFiles.shown(imageContent.others))"),
                path: imageFolder, advice: "Put images there: PNG, JPEG, TIFF, BMP, WebP or DICOM.")
        }
        var masks: [[ExactText: String]] = []
        for name in classes {
            let content = try FolderContent("\(maskFolder)/\(name)", extensions: extensions)
            let files = try Self.files(content, in: "\(maskFolder)/\(name)")
            try Self.match(images, files, class: name)
            masks.append(files)
            others += content.others.map { "masks/\(name)/\($0)" }
        }
        for (folder, place) in [(root, ""), (maskFolder, "masks/")] {
            others += try FileAccess.names(in: folder).filter { name in
                !FileAccess.isHidden(name) && !FileAccess.isFolder("\(folder)/\(name)")
            }.map { place + $0 }
        }
        leftOut = LeftOutFiles(
            root: root, names: others, imageCount: images.count * (1 + classes.count), extensions: extensions)
        self.root = root
        self.classes = classes
        items = images.keys.sorted().compactMap { stem in
            images[stem].map { image in Item(image: image, masks: masks.compactMap { $0[stem] }) }
        }
    }

    /// The image files of a folder, by their paths in it without the ending.
    private static func files(_ content: FolderContent, in folder: String) throws(DataError) -> [ExactText: String] {
        var files: [ExactText: String] = [:]
        for name in content.images {
            if let other = files.updateValue("\(folder)/\(name)", forKey: ExactText(name.withoutFileEnding)) {
                throw DataError(
                    .ambiguousName, "there is also \(other.lastComponent)", path: "\(folder)/\(name)",
                    advice: "Keep one file of that name, since images and masks belong together by name.")
            }
        }
        return files
    }

    /// Throws unless the same stems occur on both sides; names the first that does not, and says how many there are.
    private static func match(_ images: [ExactText: String], _ masks: [ExactText: String], class name: String)
        throws(DataError)
    {
        let without = images.filter { masks[$0.key] == nil }.values.map(\.self).sortedByBytes
        if let first = without.first {
            throw DataError(
                .maskMissing, "the image has no mask of the class '\(name)'" + more(without.count), path: first,
                advice: "Add the mask (a black one where the class does not occur), or remove the image.")
        }
        let alone = masks.filter { images[$0.key] == nil }.values.map(\.self).sortedByBytes
        if let first = alone.first {
            throw DataError(
                .imageMissing, "the mask has no image" + more(alone.count), path: first,
                advice: "Add an image of the same name to images/, or remove the mask.")
        }
    }

    private static func more(_ count: Int) -> String { count > 1 ? ", as \(count - 1) more of them" : "" }
}
