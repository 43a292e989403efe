// Lists the public symbols of symbol graphs that have no comment of their own, and none of a requirement that they
// meet; fails if there are any. Scripts/docs compiles and runs it.
import Foundation

struct SymbolGraph: Decodable {
    struct Symbol: Decodable {
        struct Identifier: Decodable { let precise: String }
        struct Location: Decodable {
            struct Position: Decodable { let line: Int }
            let uri: String, position: Position
        }
        struct Comment: Decodable { let lines: [Line] }
        struct Line: Decodable { let text: String }

        let identifier: Identifier, pathComponents: [String], location: Location?, docComment: Comment?
    }
    struct Relationship: Decodable { let source: String, target: String, kind: String }

    let symbols: [Symbol], relationships: [Relationship]
}

let graphs = try CommandLine.arguments.dropFirst().map { path in
    try JSONDecoder().decode(SymbolGraph.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
}
let symbols = graphs.flatMap(\.symbols)

/// Members that are synthesised, or inherited from other packages, are nowhere in our files.
let own = symbols.filter { $0.location != nil && !$0.identifier.precise.contains("::SYNTHESIZED::") }
let undocumented = own.filter { symbol in
    symbol.docComment?.lines.allSatisfy { $0.text.allSatisfy(\.isWhitespace) } ?? true
}
for symbol in undocumented.sorted(by: {
    ($0.location!.uri, $0.location!.position.line) < ($1.location!.uri, $1.location!.position.line)
}) {
    let file = URL(string: symbol.location!.uri)?.path ?? symbol.location!.uri
    let root = FileManager.default.currentDirectoryPath + "/"
    print(
        "\(file.replacing(root, with: "")):\(symbol.location!.position.line + 1): \(symbol.pathComponents.joined(separator: "."))"
    )
}
print("\(own.count) public symbols, \(undocumented.count) without a comment")
exit(undocumented.isEmpty ? 0 : 1)
