import ApusIR
import Testing

/// The messages of all mistakes in a text.
func messages(_ text: String) -> [String] {
    do {
        _ = try Graph(parsing: text)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

@Suite struct ParserTests {
    @Test func readsCommentsSpacesAndLabels() throws {
        let graph = try Graph(
            parsing: """
                // A comment before,
                graph @with.dots-and_dashes {
                  %x = input { name="x" }:f32[ 2,3 ] // behind
                  %weight = parameter {name = "w", init = "constant(0.5)", trainable = false} : f32[3]
                  %sum = reduce %x {kind = "sum", axes = [1,]} : f32[2]
                  return "y" %sum  update %weight %weight
                }
                // and after
                """.replacing("[1,]", with: "[1]"))
        #expect(
            graph.text() == """
                graph @with.dots-and_dashes {
                  %0 = input {name = "x"} : f32[2,3]
                  %1 = parameter {name = "w", init = "constant(0.5)", trainable = false} : f32[3]
                  %2 = reduce %0 {kind = "sum", axes = [1]} : f32[2]
                  return "y" %2
                  update %1 %1
                }

                """)
    }

    @Test func keepsTheLineOfEachNode() throws {
        let graph = try Graph(
            parsing: "graph @g {\n\n  %0 = input {name = \"a\nb\"} : f32[1]\n  %1 = exp %0 : f32[1]\n}")
        #expect(graph.nodes.map { $0.location?.line } == [3, 5])
    }

    @Test(arguments: ["two words", "", "quote\"", "back\\slash", "new\nline", "é\"\u{301}", "名前", "}", "a.b-c_d"])
    func keepsEveryName(_ name: String) throws {
        let builder = GraphBuilder(name: name)
        builder.output(name, builder.input(Input(name, TensorType(.f32, [1]))))
        let graph = try builder.finish(), text = graph.text()
        let parsed = try Graph(parsing: text)
        #expect(parsed == graph, "\(text)")
        #expect(Array(parsed.name.unicodeScalars) == Array(name.unicodeScalars))
        #expect(text.utf8.filter { $0 == 0x0A }.count == 4, "one node a line:\n\(text)")
    }

    /// Each text with what is wrong in it; the number after `graph:` is the guilty line.
    @Test(arguments: [
        ("", "graph:1: expected 'graph', found 'end of text'"),
        ("graph g {\n}", "graph:1: expected '@', found 'g'"),
        ("graph @g {\n", "graph:1: expected '%', found 'end of text'"),
        ("graph @g {\n  word\n}", "graph:2: expected '%', found 'w'"),
        ("graph @g {\n}\n}", "graph:3: text after the end of the graph"),
        ("graph @g {\n  %0 = unheard_of\n  : f32[1]\n}", "graph:2: unknown operation 'unheard_of'"),
        ("graph @g {\n  %0 = exp\n}", "graph:2: expected ':', found '}'"),
        ("graph @g {\n  %0 = exp %1 : f32[1]\n}", "graph:2: %1 is not defined above"),
        ("graph @g {\n  %0 = exp %0 : f32[1]\n}", "graph:2: %0 is not defined above"),
        (
            "graph @g {\n  %0 = iota {axis = 0} : f32[1]\n  %0 = iota {axis = 0} : f32[1]\n}",
            "graph:3: %0 is defined twice"
        ),
        ("graph @g {\n  %0 = iota {axis = 0} : f16[1]\n}", "graph:2: unknown element type 'f16'"),
        ("graph @g {\n  %0 = iota {axis = 0} : f32\n}", "graph:2: expected a shape such as [2,3]"),
        ("graph @g {\n  %0 = iota {axis = 0} : f32[-1]\n}", "graph:2: expected a shape such as [2,3]"),
        ("graph @g {\n  %0 = iota {axis = 0} : f32[1.5]\n}", "graph:2: expected a shape such as [2,3]"),
        (
            "graph @g {\n  %0 = iota {axis = 0} : f32[4294967296,4294967296]\n}",
            "graph:2: the shape [4294967296,4294967296] has too many elements"
        ),
        (
            "graph @g {\n  %0 = iota {axis = 0} : f32[0]\n}",
            "graph:2: iota: %0 has the type f32[0], which holds no elements or too many"
        ),
        ("graph @g {\n  %0 = iota {axis = 0x} : f32[1]\n}", "graph:2: '0x' is not a number"),
        ("graph @g {\n  %0 = iota {axis = 0x\n} : f32[1]\n}", "graph:2: '0x' is not a number"),
        (
            "graph @g {\n  %0 = iota {axis = 99999999999999999999} : f32[1]\n}",
            "graph:2: iota: attribute 'axis' is not an integer"
        ),
        ("graph @g {\n  %0 = iota {axis = [0]} : f32[1]\n}", "graph:2: iota: attribute 'axis' is not an integer"),
        ("graph @g {\n  %0 = iota : f32[1]\n}", "graph:2: iota: attribute 'axis' is missing"),
        ("graph @g {\n  %0 = iota {axis = 0, speed = 3} : f32[1]\n}", "graph:2: iota: unknown attribute 'speed'"),
        ("graph @g {\n  %0 = iota {axis = 0, axis = 0} : f32[1]\n}", "graph:2: iota: attribute 'axis' is given twice"),
        (
            "graph @g {\n  %0 = constant {value = 1, values = [1]} : f32[1]\n}",
            "graph:2: constant: unknown attribute 'values'"
        ),
        ("graph @g {\n  %0 = input {name = \"x} : f32[1]\n}", "graph:2: a quoted text does not end"),
        ("graph @g {\n  %0 = input {name = x} : f32[1]\n}", "graph:2: 'x' is not a number"),
        ("graph @g {\n  %0 = input {name = 1} : f32[1]\n}", "graph:2: input: attribute 'name' is not a text"),
        (
            "graph @g {\n  %0 = input {name = \"x\"} : f32[1]\n  %1 = compare %0, %0 {direction = \"up\"} : bool[1]\n}",
            "graph:3: compare: unknown direction 'up'"
        ),
        (
            "graph @g {\n  %0 = input {name = \"x\"} : f32[1]\n  %1 = reduce %0 {kind = \"sum\", axes = [0.5]} : f32[]\n}",
            "graph:3: reduce: attribute 'axes' is not a list of integers"
        ),
        ("graph @g {\n  return \"y\" %0\n}", "graph:2: %0 is not defined above"),
        ("graph @g {\n  return y %0\n}", "graph:2: expected a quoted text"),
    ])
    func namesTheLine(_ text: String, _ message: String) { #expect(messages(text) == [message]) }

    @Test(arguments: [
        "sine_cosine_2d(nan,1)", "sine_cosine_2d(inf,1)", "sine_cosine_2d(1e300,0)", "sine_cosine_2d(2.5,1)",
        "sine_cosine_2d(2,true)", "sine_cosine_2d(2,-1)",
        "sine_cosine_2d(2)", "constant()", "constant(12", "constant(1,2)", "constant", "xavier_uniform(3)", "normal(x)",
        "(", "", "zeros",
    ])
    func refusesInitializers(_ initializer: String) {
        let text =
            "graph @g {\n  %0 = parameter {name = \"w\", init = \"\(initializer)\", trainable = true} : f32[1]\n}"
        #expect(messages(text) == ["graph:2: parameter: unknown initializer '\(initializer)'"])
    }
}

/// Texts that nobody writes by mistake; each gives an error and no trap.
@Suite struct HostileTextTests {
    private func lines(_ nodes: String...) -> String {
        "graph @g {\n  %x = input {name = \"x\"} : f32[3]\n" + nodes.map { "  \($0)\n" }.joined() + "}\n"
    }

    @Test func overflowingAttributes() {
        let largest = Int.max
        #expect(
            messages(lines("%0 = pad %x {low = [\(largest)], high = [\(largest)], interior = [\(largest)]} : f32[1]"))
                .count == 1)
        #expect(messages(lines("%0 = pad %x {low = [0], high = [0], interior = [\(largest)]} : f32[1]")).count == 1)
        #expect(messages(lines("%0 = slice %x {starts = [0], limits = [3], steps = [\(largest)]} : f32[1]")) == [])
        #expect(
            messages(lines("%0 = slice %x {starts = [\(Int.min)], limits = [\(largest)], steps = [1]} : f32[1]")).count
                == 1)
        #expect(
            messages(lines("%0 = random_uniform %x {shape = [\(largest), \(largest)], stream = 0} : f32[1]")).count == 1
        )
        #expect(
            messages(
                lines(
                    "%k = iota {axis = 0} : i32[2]",
                    "%0 = random_uniform %k {shape = [\(largest), \(largest)], stream = 0} : f32[1]")
            ).count == 1)
        #expect(messages(lines("%0 = concatenate %x, %x {axis = \(largest)} : f32[1]")).count == 1)
        #expect(
            messages(lines("%k = iota {axis = 0} : i32[2]", "%0 = gather %x, %k {batch = \(Int.min)} : f32[1]")).count
                == 1)
        #expect(
            messages(
                lines(
                    "%k = iota {axis = 0} : i32[3]",
                    "%0 = scatter_add %k, %x {batch = 0, rows = \(largest)} : f32[\(largest)]")
            ).count == 1)
    }

    @Test func hugeTensors() {
        let huge = "f32[\(Int.max)]"
        #expect(
            messages("graph @g {\n  %0 = iota {axis = 0} : \(huge)\n  %1 = concatenate %0, %0 {axis = 0} : \(huge)\n}")
                .count == 1)
        let wide = "f32[4611686018427387904]"
        #expect(
            messages("graph @g {\n  %0 = iota {axis = 0} : \(wide)\n  %1 = concatenate %0, %0 {axis = 0} : \(wide)\n}")
                .count == 1)
        #expect(messages("graph @g {\n  %0 = iota {axis = 0} : f32[0,\(Int.max),\(Int.max)]\n}").count == 1)
    }

    @Test func deepAndLongTexts() {
        #expect(messages(String(repeating: "graph @g {", count: 20_000)).count == 1)
        #expect(messages(lines("%0 = exp %x {a = " + String(repeating: "[", count: 100_000))).count == 1)
        #expect(messages(lines("%0 = exp %x : f32[" + String(repeating: "1,", count: 100_000) + "1]")).count == 1)
        #expect(messages(lines("%0 = exp " + String(repeating: "%x, ", count: 10_000) + "%x : f32[3]")).count == 1)
        #expect(
            messages("graph @g {\n" + String(repeating: "\n", count: 100_000) + "?").first
                == "graph:100002: expected '%', found '?'")
        #expect(messages("graph @\u{0}\u{FFFD} {}").count == 1)
    }
}
