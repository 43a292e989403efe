import ApusFiles

/// One image to be put into a part, with the masks that go with it.
struct SplitItem: Sendable {
    /// The image's path below the folder of its class: the name of its file, where it lies in no folder inside.
    let name: String
    let classNumber: Int
    /// Where its files are, the image first, and where they go, seen from a part's folder.
    let files: [(source: String, target: String)]

    var image: String { files[0].source }
    var target: String { files[0].target }
}

/// The images of one or several folders of the same layout.
struct SplitSource {
    let classes: [String]
    let items: [SplitItem]
    /// What is left out of each folder.
    let leftOut: [LeftOutFiles]

    init(_ folders: [String]) throws(DataError) {
        guard let first = folders.first else {
            throw DataError(.invalidArgument, "no folder to split", advice: "Give a folder of images.")
        }
        (classes, items, leftOut) = try Self.hasMasks(first) ? Self.masks(folders) : Self.images(folders)
        var sources: [ExactText: String] = [:]
        for item in items {
            if let other = sources.updateValue(item.image, forKey: ExactText(item.target)) {
                throw DataError(
                    .ambiguousName, "an image of that name is in \(other.parentPath) too",
                    path: item.image,
                    advice: "Rename one of them, or remove it if it is the same image.")
            }
        }
    }

    private static func hasMasks(_ folder: String) -> Bool {
        FileAccess.isFolder("\(folder)/images") && FileAccess.isFolder("\(folder)/masks")
    }

    private static func images(_ folders: [String]) throws(DataError) -> ([String], [SplitItem], [LeftOutFiles]) {
        let sets = try folders.map { folder throws(DataError) in try ImageFolder(root: folder) }
        let classes = Set(sets.flatMap { $0.classes.map(ExactText.init) }).sorted().map(\.text)
        var items: [SplitItem] = []
        for set in sets {
            for item in set.items {
                let label = set.classes[Int(item.label)], name = item.path.below("\(set.root)/\(label)")
                guard let number = classes.exactIndex(of: label) else { continue }
                items.append(SplitItem(name: name, classNumber: number, files: [(item.path, "\(label)/\(name)")]))
            }
        }
        return (classes, items, sets.compactMap(\.leftOut))
    }

    private static func masks(_ folders: [String]) throws(DataError) -> ([String], [SplitItem], [LeftOutFiles]) {
        var items: [SplitItem] = []
        var classes: [String]?, leftOut: [LeftOutFiles] = []
        for folder in folders {
            let set = try SegmentationFolder(root: folder)
            if let classes, !classes.isExactly(set.classes) {
                throw DataError(
                    .noClasses, "the classes \(set.classes.joined(separator: ", ")) are not those of \(folders[0])",
                    path: folder,
                    advice: "Give folders with masks of the same classes.")
            }
            classes = set.classes
            leftOut += [set.leftOut].compactMap(\.self)
            for item in set.items {
                let files = ([item.image] + item.masks).map { (source: $0, target: $0.below(set.root)) }
                items.append(
                    SplitItem(name: item.image.below("\(set.root)/images"), classNumber: 0, files: files))
            }
        }
        return (["images"], items, leftOut)
    }
}
