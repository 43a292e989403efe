import Apus
import ApusInspection
import Foundation
import Testing

/// A folder of its own for one test; it goes when the test's last reference to it goes.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path

    init() { try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file into the folder and returns its path.
    func write(_ text: String, to name: String) -> String {
        let path = path + "/" + name
        try! Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// A linear layer with a step of gradient descent on its weight.
let linearGraph = """
    graph @linear {
      %0 = input {name = "x"} : f32[2,3]
      %1 = parameter {name = "w", init = "constant(0.5)", trainable = true} : f32[3,2]
      %2 = dot %0, %1 {left_batch = [], right_batch = [], left_contracting = [1], right_contracting = [0]} : f32[2,2]
      %3 = constant {value = 2.0} : f32[3,2]
      %4 = multiply %1, %3 : f32[3,2]
      return "y" %2
      update %1 %4
    }

    """

struct GraphFileTests {
    private let folder = TemporaryFolder()

    private func message(_ text: String) -> String {
        do {
            _ = try GraphFile(contentsOf: folder.write(text, to: "model.graph"))
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func operationsAreLocatedInTheFile() throws {
        let graph = try GraphFile(contentsOf: folder.write(linearGraph, to: "model.graph")).graph
        #expect(graph.text() == linearGraph)
        #expect(graph.nodes.map { $0.location?.description } == (2...6).map { "model.graph:\($0)" })
    }

    @Test func mistakesNameFileAndLine() {
        #expect(message("graph @g {\n  %0 = exp %1 : f32[2]\n}\n") == "model.graph:2: %1 is not defined above")
        #expect(
            message(
                """
                // Two mistakes of operations, one of the results.

                graph @g {
                  %0 = input {name = "x"} : f32[2]
                  %1 = exp %0 : f32[3]
                  %2 = add %0, %1 : f32[2]
                  return "y" %1
                  return "y" %2
                }
                """) == """
                    model.graph:5: exp: %1 is declared as f32[3] but is f32[2]
                    model.graph:6: add: %2: shapes [2] and [3] differ
                    model.graph:3: the result 'y' is declared twice
                    """)
    }

    @Test func unreadableFiles() throws {
        let none = folder.path + "/none.graph"
        #expect(throws: TextFile.Problem.file(FileError(path: none, action: "open", number: ENOENT))) {
            try GraphFile(contentsOf: none)
        }
        #expect(throws: TextFile.Problem.file(FileError(path: folder.path, action: "read", number: EISDIR))) {
            try GraphFile(contentsOf: folder.path)
        }
        let path = folder.path + "/bytes.graph"
        try Data([0x0A, 0xFC]).write(to: URL(fileURLWithPath: path))
        #expect(throws: TextFile.Problem.notUTF8(path: path, line: 2)) { try GraphFile(contentsOf: path) }
    }
}
