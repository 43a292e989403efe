import ApusIR
import Testing

/// Checks that the mistakes in a text are those that its comments `// error: …` state, each on its line.
///
/// A mistake of a result has no line of its own; it stands at the line of the graph's name.
private func expectStatedErrors(_ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) {
    var stated: [String] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        for part in line.split(separator: "// error: ").dropFirst() {
            stated.append("\(number + 1): " + part.trimmingPrefix(" ").replacing(#/\s+$/#, with: ""))
        }
    }
    var found: [String] = []
    do {
        _ = try Graph(parsing: text)
    } catch {
        found = error.errors.map { mistake in
            let name = mistake.operation.isEmpty ? "" : "\(mistake.operation): "
            return "\(mistake.location?.line ?? 1): \(name)\(mistake.message)"
        }
    }
    #expect(!stated.isEmpty, "the text states no error", sourceLocation: sourceLocation)
    #expect(found.sorted() == stated.sorted(), sourceLocation: sourceLocation)
}

@Suite struct VerifierTests {
    @Test func wrongTypes() {
        expectStatedErrors(
            """
            graph @bad {
              %0 = input {name = "x"} : f32[4]
              %1 = input {name = "y"} : f32[3]
              %2 = add %0, %1 : f32[4]       // error: add: %2: shapes [4] and [3] differ
              %3 = exp %0 : f32[5]           // error: exp: %3 is declared as f32[5] but is f32[4]
              %4 = exp %3 : i32[5]           // error: exp: %4 is declared as i32[5] but is f32[5]
              %5 = exp %0, %0 : f32[4]       // error: exp: %5: takes 1 operands, has 2
              %6 = compare %0, %0 {direction = "less"} : bool[4]
              %7 = negate %6 : bool[4]       // error: negate: %7: takes numbers, has bool[4]
              return "y" %7
            }
            """)
    }

    @Test func emptyTensors() {
        expectStatedErrors(
            """
            graph @bad {
              %0 = input {name = "x"} : f32[4,0]    // error: input: %0 has the type f32[4,0], which holds no elements or too many
              %1 = reduce %0 {kind = "sum", axes = [1]} : f32[4]
            }
            """)
    }

    @Test func duplicateNames() {
        expectStatedErrors(
            """
            graph @bad {  // error: the result 'y' is declared twice
              %0 = input {name = "x"} : f32[1]
              %1 = input {name = "x"} : f32[1]      // error: input: 'x' is declared twice
              %2 = parameter {name = "x", init = "constant(0.0)", trainable = true} : f32[1]
              %3 = parameter {name = "x", init = "constant(0.0)", trainable = true} : f32[1]  // error: parameter: 'x' is declared twice
              return "y" %0
              return "y" %1
            }
            """)
    }

    @Test func updates() {
        expectStatedErrors(
            """
            graph @bad {  // error: the update of %0, f32[2], is f32[1]  // error: %1 is updated but is not a parameter  // error: the update of %0 is declared twice
              %0 = parameter {name = "w", init = "constant(0.0)", trainable = true} : f32[2]
              %1 = input {name = "x"} : f32[1]
              update %0 %1
              update %1 %1
              update %0 %0
            }
            """)
    }

    /// What the text form cannot express.
    @Test func structure() {
        let type = TensorType(.f32, [2])
        let graph = Graph(
            name: "bad",
            nodes: [
                Node(Exp(), [Value(1)], type), Node(Input("x", type), [], type), Node(Exp(), [Value(2)], type),
                Node(Exp(), [Value(-1)], type),
            ],
            results: [GraphResult(.output(name: "y"), Value(9)), GraphResult(.update(parameter: Value(7)), Value(1))])
        let error = #expect(throws: GraphErrors.self) { try graph.verify() }
        #expect(
            error?.errors.map(\.description) == [
                "exp: %0 uses a value that is not defined above it",
                "exp: %2 uses a value that is not defined above it",
                "exp: %3 uses a value that is not defined above it",
                "the result %9 is not defined",
                "%7 is updated but is not a parameter",
            ])
        #expect(error?.errors.allSatisfy { $0.code == .structure } == true)
    }

    /// Types that no machine can hold must not trap the rules behind them.
    @Test func typesWithoutSize() {
        let endless = TensorType(.f32, [1 << 40, 1 << 40]), negative = TensorType(.f32, [-3])
        for type in [endless, negative] {
            let graph = Graph(
                name: "bad",
                nodes: [
                    Node(Input("x", type), [], type),
                    Node(Reshape([1]), [Value(0)], TensorType(.f32, [1])),
                    Node(Concatenate(axis: 0), [Value(0), Value(0)], type),
                ])
            let error = #expect(throws: GraphErrors.self) { try graph.verify() }
            #expect(error?.errors.first?.message == "%0 has the type \(type), which holds no elements or too many")
        }
    }
}
