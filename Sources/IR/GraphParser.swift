extension Graph {
    /// Reads the text form; throws a syntax error that names the line, or what the verifier finds. `file` is what
    /// mistakes and locations call the text.
    public init(parsing text: String, file: String = "graph") throws(GraphErrors) {
        var parser = GraphParser(text, file: file)
        do {
            self = try parser.graph()
        } catch {
            throw GraphErrors([error])
        }
        try verify()
    }
}

/// A recursive-descent parser of the text form.
private struct GraphParser {
    private var scanner: Scanner
    private var values: [String: Value] = [:]

    init(_ text: String, file: String) { scanner = Scanner(text, file: file) }

    mutating func graph() throws(GraphError) -> Graph {
        try scanner.expect("graph")
        try scanner.expect("@")
        var graph = Graph(name: scanner.peek == "\"" ? try scanner.quoted() : try scanner.word())
        try scanner.expect("{")
        while !scanner.accept("}") {
            scanner.beginStatement()
            if scanner.accept("return") {
                graph.results.append(GraphResult(.output(name: try scanner.quoted()), try value()))
            } else if scanner.accept("update") {
                let parameter = try value()
                graph.results.append(GraphResult(.update(parameter: parameter), try value()))
            } else {
                try node(into: &graph)
            }
        }
        scanner.beginStatement()
        try scanner.expectEnd()
        return graph
    }

    private mutating func node(into graph: inout Graph) throws(GraphError) {
        let line = scanner.line
        try scanner.expect("%")
        let label = try scanner.word()
        guard values[label] == nil else { throw scanner.error("%\(label) is defined twice") }
        try scanner.expect("=")
        let name = try scanner.word()
        guard let kind = OperationRegistry.byName[name] else { throw scanner.error("unknown operation '\(name)'") }
        var operands: [Value] = []
        if scanner.peek == "%" {
            repeat { operands.append(try value()) } while scanner.accept(",")
        }
        var attributes: Attributes = []
        if scanner.accept("{") {
            repeat {
                let key = try scanner.word()
                try scanner.expect("=")
                attributes.append((key, try scanner.attribute()))
            } while scanner.accept(",")
            try scanner.expect("}")
        }
        try scanner.expect(":")
        let type = try scanner.type()
        let place = SourceLocation(file: scanner.file, line: line)
        do {
            let operation = try kind.init(attributes: attributes, type: type)
            try check(attributes.map(\.name), of: operation)
            graph.nodes.append(Node(operation, operands, type, location: place))
        } catch {
            throw GraphError(error.code, operation: name, error.message, location: place)
        }
        values[label] = Value(graph.nodes.count - 1)
    }

    /// Fails if an attribute is given twice or means nothing to the operation.
    private func check(_ names: [String], of operation: some Operation) throws(GraphError) {
        let known = operation.attributes.map(\.name)
        for (place, name) in names.enumerated() {
            guard known.contains(name) else { throw GraphError(.syntax, "unknown attribute '\(name)'") }
            guard !names[..<place].contains(name) else {
                throw GraphError(.syntax, "attribute '\(name)' is given twice")
            }
        }
    }

    private mutating func value() throws(GraphError) -> Value {
        try scanner.expect("%")
        let label = try scanner.word()
        guard let value = values[label] else { throw scanner.error("%\(label) is not defined above") }
        return value
    }
}

/// Tokens of the text form; `//` begins a comment.
private struct Scanner {
    private let text: [UInt8]
    let file: String
    private var place = 0
    private(set) var line = 1
    /// The line of the token that was read last: what is wrong with it or missing after it is reported there.
    private var tokenLine = 1

    init(_ text: String, file: String) {
        self.text = Array(text.utf8)
        self.file = file
        skipSpace()
    }

    var peek: Character? { place < text.count ? Character(UnicodeScalar(text[place])) : nil }

    func error(_ message: String) -> GraphError {
        GraphError(.syntax, message, location: SourceLocation(file: file, line: tokenLine))
    }

    /// Mistakes belong to the line of the next token from here on, if there is one.
    mutating func beginStatement() {
        if place < text.count { tokenLine = line }
    }

    private mutating func skipSpace() {
        while place < text.count {
            if text[place] == UInt8(ascii: "\n") { line += 1 }
            if text[place] == UInt8(ascii: "/"), place + 1 < text.count, text[place + 1] == UInt8(ascii: "/") {
                while place < text.count, text[place] != UInt8(ascii: "\n") { place += 1 }
            } else if [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) {
                place += 1
            } else {
                return
            }
        }
    }

    mutating func accept(_ token: String) -> Bool {
        let bytes = Array(token.utf8)
        guard text.dropFirst(place).starts(with: bytes) else { return false }
        tokenLine = line
        place += bytes.count
        skipSpace()
        return true
    }

    mutating func expect(_ token: String) throws(GraphError) {
        guard accept(token) else {
            throw error("expected '\(token)', found '\(peek.map(String.init) ?? "end of text")'")
        }
    }

    func expectEnd() throws(GraphError) {
        guard place == text.count else { throw error("text after the end of the graph") }
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> String {
        let start = place
        if place < text.count, condition(text[place]) { tokenLine = line }
        while place < text.count, condition(text[place]) { place += 1 }
        defer { skipSpace() }
        return String(decoding: text[start..<place], as: UTF8.self)
    }

    mutating func word() throws(GraphError) -> String {
        let word = take {
            Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
                || $0 == UInt8(ascii: "-")
        }
        guard !word.isEmpty else { throw error("expected a name, found '\(peek.map(String.init) ?? "end of text")'") }
        return word
    }

    mutating func quoted() throws(GraphError) -> String {
        guard place < text.count, text[place] == UInt8(ascii: "\"") else { throw error("expected a quoted text") }
        tokenLine = line
        place += 1
        var bytes: [UInt8] = []
        while place < text.count, text[place] != UInt8(ascii: "\"") {
            let isEscaped = text[place] == UInt8(ascii: "\\") && place + 1 < text.count
            if isEscaped { place += 1 }
            if text[place] == UInt8(ascii: "\n") { line += 1 }
            switch (isEscaped, text[place]) {
            case (true, UInt8(ascii: "n")): bytes.append(UInt8(ascii: "\n"))
            case (true, UInt8(ascii: "r")): bytes.append(UInt8(ascii: "\r"))
            default: bytes.append(text[place])
            }
            place += 1
        }
        guard place < text.count else { throw error("a quoted text does not end") }
        place += 1
        skipSpace()
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func attribute() throws(GraphError) -> Attribute {
        if peek == "\"" { return .text(try quoted()) }
        if accept("true") { return .flag(true) }
        if accept("false") { return .flag(false) }
        guard accept("[") else { return try number() }
        var items: [Attribute] = []
        if !accept("]") {
            repeat { items.append(try number()) } while accept(",")
            try expect("]")
        }
        let integers = items.compactMap { if case .integer(let value) = $0 { value } else { nil } }
        if integers.count == items.count { return .integers(integers) }
        return .numbers(
            items.map { item in
                switch item {
                case .integer(let value): Double(value)
                case .number(let value): value
                default: .nan
                }
            })
    }

    private mutating func number() throws(GraphError) -> Attribute {
        let text = take {
            Self.isDigit($0) || Self.isLetter($0)
                || [UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ".")].contains($0)
        }
        if let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text) else { throw error("'\(text)' is not a number") }
        return .number(number)
    }

    mutating func type() throws(GraphError) -> TensorType {
        let name = take { Self.isLetter($0) || Self.isDigit($0) }
        guard let element = ElementType(rawValue: name) else { throw error("unknown element type '\(name)'") }
        guard peek == "[", case .integers(let shape) = try attribute(), shape.allSatisfy({ $0 >= 0 }) else {
            throw error("expected a shape such as [2,3]")
        }
        guard shape.contains(0) || isShape(shape) else {
            throw error("the shape \(shapeText(shape)) has too many elements")
        }
        return TensorType(element, shape)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
