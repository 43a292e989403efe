import Foundation

/// The folder that holds the package.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL

/// A page of the documentation, or a file whose comments have code in them.
struct Page {
    let path: String
    private var lines: [Substring]

    /// A page by its path in the package; articles go by their names alone.
    init(_ path: String) throws {
        let article = "Sources/Apus/Apus.docc/\(path)"
        let isArticle = FileManager.default.fileExists(atPath: packageFolder.appending(path: article).path)
        self.path = isArticle ? article : path
        let text = try String(contentsOf: packageFolder.appending(path: self.path), encoding: .utf8)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The blocks of code in a language, without the line end of their last lines.
    func blocks(_ language: String) -> [String] {
        var blocks: [String] = [], open: [Substring]?
        for line in lines.map(uncommented) {
            if open != nil, line == "```" {
                blocks.append(open!.joined(separator: "\n"))
                open = nil
            } else if open != nil {
                open!.append(line)
            } else if line == "```\(language)" {
                open = []
            }
        }
        return blocks
    }

    /// Puts other texts in the place of the blocks of code in a language, in order.
    mutating func replace(blocks language: String, by texts: [String]) throws {
        var texts = texts[...], result: [Substring] = [], isSkipping = false
        for line in lines {
            if isSkipping, line != "```" { continue }
            isSkipping = false
            result.append(line)
            if line == "```\(language)", let text = texts.popFirst() {
                result.append(text[...])
                isSkipping = true
            }
        }
        let text = result.joined(separator: "\n")
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Writes the page back.
    func write() throws {
        try lines.joined(separator: "\n").write(
            to: packageFolder.appending(path: path), atomically: true, encoding: .utf8)
    }

    /// A line of a comment in code without its slashes; other lines of code are empty.
    private func uncommented(_ line: Substring) -> Substring {
        guard path.hasSuffix(".swift") else { return line }
        let comment = line.drop { $0 == " " }
        return comment.hasPrefix("///") ? comment.dropFirst(comment.hasPrefix("/// ") ? 4 : 3) : ""
    }

    /// What the page links to: files from its folder, without what other schemes name.
    var linkedFiles: [String] {
        var inCode = false
        return lines.flatMap { line -> [String] in
            if line.hasPrefix("```") { inCode.toggle() }
            guard !inCode else { return [] }
            return line.matches(of: #/\]\(([^)#:]+)(#[^)]*)?\)/#).map { String($0.1) }
        }
    }

    /// Code in the last column of the page's tables, each with its line.
    var codeInTables: [(line: Int, code: String)] {
        lines.enumerated().filter { $0.element.hasPrefix("| ") }.flatMap { number, line in
            let cell = line.split(separator: " | ").last ?? ""
            return cell.matches(of: #/`([^`]+)`/#).map { (number + 1, String($0.1)) }
        }
    }
}

/// Code that is compiled, and shown on a page: between the lines `// Shown in PAGE` and `// Until here`.
struct ShownCode: Hashable {
    let page: String, text: String

    /// All of it in the files of a folder.
    static func all(in folder: String) throws -> [ShownCode] {
        let folder = packageFolder.appending(path: folder)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().flatMap { name in
            try regions(of: String(contentsOf: folder.appending(path: name), encoding: .utf8))
        }
    }

    private static func regions(of text: String) -> [ShownCode] {
        var found: [ShownCode] = [], open: (page: String, indentation: Int, lines: [Substring])?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let code = line.drop { $0 == " " }
            if let page = code.wholeMatch(of: #/// Shown in (.+)/#)?.1 {
                open = (String(page), line.count - code.count, [])
            } else if let region = open, code == "// Until here" {
                found.append(ShownCode(page: region.page, text: region.lines.joined(separator: "\n")))
                open = nil
            } else if let indentation = open?.indentation {
                open?.lines.append(line.dropFirst(indentation))
            }
        }
        return found
    }
}
