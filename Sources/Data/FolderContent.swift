import ApusFiles

/// The files below a folder, told apart into images and all others.
struct FolderContent {
    /// The images' paths below the folder: by folder, then by name (both by code point), as torchvision has them.
    private(set) var images: [String] = []
    /// Paths of the other files, and of hidden images. Hidden files of other kinds, and what is in hidden folders, are
    /// passed over.
    private(set) var others: [String] = []

    /// Lists a folder and the folders in it, links followed; throws `fileUnreadable`.
    init(_ folder: String, extensions: Set<String>) throws(DataError) {
        var files = try Self.files(in: folder, below: "", within: [])
        files.sort { ($0.folder, $0.name) < ($1.folder, $1.name) }
        for file in files {
            let path = file.folder.text.isEmpty ? file.name.text : "\(file.folder.text)/\(file.name.text)"
            let isHidden = FileAccess.isHidden(file.name.text)
            let isImage =
                Self.isImage(path, extensions) || !isHidden && Self.isNamelessDICOM("\(folder)/\(path)", extensions)
            if isImage, !isHidden {
                images.append(path)
            } else if isImage || !isHidden {
                others.append(path)
            }
        }
    }

    /// The images without those that are named as masks of others beside them, `STEM_mask` and `STEM_mask_1` beside
    /// `STEM`; and those masks.
    func separatingMasks() -> (images: [String], masks: [String]) {
        let stems = Set(images.map { ExactText($0.withoutFileEnding) })
        func isMask(_ path: String) -> Bool {
            guard
                let owner = path.withoutFileEnding.wholeMatch(
                    of: /(?s)(.+)_mask(_[0-9]+)?/.matchingSemantics(.unicodeScalar))
            else { return false }
            return stems.contains(ExactText(String(owner.1)))
        }
        return (images.filter { !isMask($0) }, images.filter(isMask))
    }

    /// Whether a file's ending is one of some, in any case.
    static func isImage(_ path: String, _ extensions: Set<String>) -> Bool {
        let ending = path.fileEnding.lowercased()
        return extensions.contains { $0.lowercased() == ending }
    }

    /// Whether a file begins as DICOM does: scanners and archives give their files numbers for names, without an
    /// ending.
    private static func isNamelessDICOM(_ path: String, _ extensions: Set<String>) -> Bool {
        guard extensions.contains("dcm"), let file = try? MappedFile(contentsOf: path) else { return false }
        return file.withBytes { ImageFormat($0) == .dicom }
    }

    /// The files of a folder and those in it; `open` holds the folders on the way, to which a link would lead for ever.
    private static func files(in root: String, below: String, within open: [[UInt64]]) throws(DataError)
        -> [(folder: ExactText, name: ExactText)]
    {
        let path = below.isEmpty ? root : "\(root)/\(below)"
        guard let identity = Folders.identity(path), !open.contains(identity) else { return [] }
        var files: [(folder: ExactText, name: ExactText)] = []
        for name in try FileAccess.names(in: path) {
            if !FileAccess.isFolder("\(path)/\(name)") {
                files.append((ExactText(below), ExactText(name)))
            } else if !FileAccess.isHidden(name) {
                files += try self.files(
                    in: root, below: below.isEmpty ? name : "\(below)/\(name)", within: open + [identity])
            }
        }
        return files
    }
}

/// Files in a folder of images that no image is read from, so that nothing is passed over in silence.
public struct LeftOutFiles: Sendable, Equatable, CustomStringConvertible {
    /// The folder.
    public let root: String
    /// Where they are, below the folder.
    public let names: [String]
    /// Masks beside their images, such as `STEM_mask.png` beside `STEM.png`.
    public let masks: [String]
    /// How many files there are with the images.
    public let fileCount: Int
    /// The endings of images.
    let extensions: Set<String>

    /// Nil if no file is left out.
    init?(root: String, names: [String], masks: [String] = [], imageCount: Int, extensions: Set<String>) {
        guard !names.isEmpty || !masks.isEmpty else { return nil }
        (self.root, self.names, self.masks, self.extensions) = (root, names, masks, extensions)
        fileCount = names.count + masks.count + imageCount
    }

    /// One line, which names the first files.
    public var description: String {
        let endings = extensions.sorted().map { ".\($0)" }.joined(separator: ", ")
        var reasons: [String] = []
        if !names.isEmpty {
            reasons.append(
                "\(names.count) not read as images (\(endings) in a class's folder): \(Self.shown(names))")
        }
        if !masks.isEmpty {
            reasons.append("\(masks.count) named as masks of the images beside them: \(Self.shown(masks))")
        }
        return "left out \(names.count + masks.count) of \(fileCount) files in \(root.inOneLine): "
            + reasons.joined(separator: "; ")
    }

    /// The first of some names.
    static func shown(_ names: [String]) -> String {
        (names.prefix(5).map(\.inOneLine) + (names.count > 5 ? ["…"] : [])).joined(separator: ", ")
    }
}
