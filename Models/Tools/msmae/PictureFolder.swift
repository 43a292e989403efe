import Apus
import Foundation
import MSMAE

/// A folder for pictures that are named after images and what is drawn of them.
struct PictureFolder {
    private let path: String, names: [String], scale: Int

    /// Makes the folder where it is missing, and removes what a killed process has left of a picture.
    init(_ path: String, kind: String, images: [String], scale: Int) throws {
        try DataPart.checkOutput(path)
        try Folders.make(path)
        AtomicFile.removeAbandoned(in: path)
        (self.path, names, self.scale) = (path, Self.names(images, ending: "-\(kind).png"), scale)
    }

    static func check(scale: Int) throws(SettingError) {
        guard (1...64).contains(scale) else {
            throw SettingError.outOfRange(name: "scale", value: .integer(scale), allowed: "from 1 to 64")
        }
    }

    /// Writes the picture of an image as PNG, and returns where it is.
    func write(_ picture: RGBImage, _ index: Int) throws -> String {
        let target = "\(path)/\(names[index])"
        try picture.enlarged(scale).writePNG(to: target)
        return target
    }

    /// A name for each image: its file's without the ending, with as many of the folders above as tell it from the
    /// others; cut, with the image's number, where a file could not have it.
    static func names(_ paths: [String], ending: String) -> [String] {
        let parts = paths.map { Self.parts($0.withoutFileEnding) }
        func name(_ index: Int, _ length: Int) -> ExactText {
            ExactText(parts[index].suffix(length).joined(separator: "-"))
        }
        var found = [ExactText?](repeating: nil, count: paths.count)
        for length in 1...max(1, parts.map(\.count).max() ?? 1) where found.contains(nil) {
            let counts = Dictionary(paths.indices.map { (name($0, length), 1) }, uniquingKeysWith: +)
            for index in paths.indices where found[index] == nil && counts[name(index, length)] == 1 {
                found[index] = name(index, length)
            }
        }
        let room = 255 - ending.nameBytes.count
        var used = Set(found.compactMap(\.self))
        return paths.indices.map { index in
            if let name = found[index], name.text.nameBytes.count <= room { return name.text + ending }
            // An image that is given twice, one with two endings, or a name that has no room for more.
            var number = "-\(index)", chosen: ExactText
            repeat {
                var start = name(index, 1).text.unicodeScalars
                while String(start).nameBytes.count + number.utf8.count > room, !start.isEmpty { start.removeLast() }
                chosen = ExactText(String(start) + number)
                number += "-\(index)"
            } while used.contains(chosen)
            used.insert(chosen)
            return chosen.text + ending
        }
    }

    /// The names on the way to a file, from the root.
    private static func parts(_ path: String) -> [String] {
        let whole = path.utf8.first == UInt8(ascii: "/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return whole.unicodeScalars.split(separator: "/").map { String($0) }.reduce(into: []) { parts, part in
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
    }
}
