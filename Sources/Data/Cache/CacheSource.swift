import ApusDigest
import ApusFiles
import ApusSystem
import CImageCodecs
import Foundation

/// Where an entry of a cache comes from: files, and what is done to them.
struct CacheSource: Sendable {
    /// The image's file, and those of its masks.
    let paths: [String]
    let decoder: ImageDecoder
    /// What is made of the decoded images.
    let purpose: String

    /// Raised when decoding or scaling gives other pixels, or an entry is read in another way.
    private static let format = "1"

    /// The name of the entry; nil if one of the files is not there.
    var key: Digest? {
        var texts = [Self.format, Self.codecs, purpose, decoder.identity]
        for path in paths {
            var status = stat()
            guard stat(path.systemName, &status) == 0 else { return nil }
            let (modified, changed) = (status.lastModification, status.lastChange)
            // Whoever sets the time of modification back, as programs that copy do, cannot set that of change. A folder
            // that changes its name changes no time in it, but the file is another one then.
            texts += [
                path.utf8.first == UInt8(ascii: "/") ? path : "\(Self.currentFolder)/\(path)",
                "\(status.st_dev) \(status.st_ino) \(status.st_size) \(modified.0).\(modified.1) \(changed.0).\(changed.1)",
            ]
        }
        return Digest(texts)
    }

    private static var currentFolder: String { FileManager.default.currentDirectoryPath }

    /// The versions of the libraries that decode: another one may round in another way.
    private static let codecs: String = {
        var text = [CChar](repeating: 0, count: 1024)
        apus_codec_versions(&text, text.count)
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }()
}

extension ImageDecoder {
    /// All that decides what is decoded, or refused.
    fileprivate var identity: String {
        let window = window.map { "\($0.low.bitPattern) \($0.high.bitPattern) \($0.offset.bitPattern)" } ?? "none"
        return "\(limits.side) \(limits.pixels) \(window) \(shorterSide.map(String.init) ?? "none")"
    }
}
