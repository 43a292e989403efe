/// What is wrong with a zip archive; who reads one says it in the terms of its own format.
enum ZipError: Error, Hashable, Sendable {
    /// The file does not end as a zip archive ends.
    case noDirectory
    /// A structure that contradicts itself.
    case malformed(String)
    /// More than is read.
    case tooLarge(String)
    case encrypted(name: String)
    /// An entry whose name leads out of a folder.
    case outside(name: String)
}

extension StringProtocol {
    /// A text from a file, shortened so that a hostile one does not fill the terminal.
    var shown: String {
        let printable = String(
            unicodeScalars.prefix(100).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
        return unicodeScalars.count > 100 ? printable + "…" : printable
    }
}
