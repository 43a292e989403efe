import Foundation

/// One image to be put into a part, with the masks that go with it.
struct SplitItem: Sendable {
    /// Name of the image's file.
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

    init(_ folders: [String]) throws(DataError) {
        guard let first = folders.first else {
            throw DataError(.invalidArgument, "no folder to split", advice: "Give a folder of images.")
        }
        (classes, items) = try Self.hasMasks(first) ? Self.masks(folders) : Self.images(folders)
        var sources: [String: String] = [:]
        for item in items {
            if let other = sources.updateValue(item.image, forKey: item.target) {
                throw DataError(
                    .ambiguousName, "an image of that name is in \((other as NSString).deletingLastPathComponent) too",
                    path: item.image,
                    advice: "Rename one of them, or remove it if it is the same image.")
            }
        }
    }

    private static func hasMasks(_ folder: String) -> Bool {
        FileAccess.isFolder("\(folder)/images") && FileAccess.isFolder("\(folder)/masks")
    }

    private static func images(_ folders: [String]) throws(DataError) -> ([String], [SplitItem]) {
        let sets = try folders.map { folder throws(DataError) in try ImageFolder(root: folder) }
        let classes = Set(sets.flatMap(\.classes)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var items: [SplitItem] = []
        for set in sets {
            for item in set.items {
                let (name, label) = ((item.path as NSString).lastPathComponent, set.classes[Int(item.label)])
                guard let number = classes.firstIndex(of: label) else { continue }
                items.append(SplitItem(name: name, classNumber: number, files: [(item.path, "\(label)/\(name)")]))
            }
        }
        return (classes, items)
    }

    private static func masks(_ folders: [String]) throws(DataError) -> ([String], [SplitItem]) {
        var items: [SplitItem] = []
        var classes: [String]?
        for folder in folders {
            let set = try SegmentationFolder(root: folder)
            if let classes, classes != set.classes {
                throw DataError(
                    .noClasses, "the classes \(set.classes.joined(separator: ", ")) are not those of \(folders[0])",
                    path: folder,
                    advice: "Give folders with masks of the same classes.")
            }
            classes = set.classes
            for item in set.items {
                func name(_ path: String) -> String { (path as NSString).lastPathComponent }
                let masks = zip(set.classes, item.masks).map { (source: $1, target: "masks/\($0)/\(name($1))") }
                items.append(
                    SplitItem(
                        name: name(item.image), classNumber: 0,
                        files: [(item.image, "images/\(name(item.image))")] + masks))
            }
        }
        return (["images"], items)
    }
}
