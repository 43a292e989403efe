import ApusIR
import ApusTransforms
import Testing

/// Rewrites as `apus explain` lists them.
struct RewriteSummaryTests {
    private func rewrite(_ pass: String, _ note: String, _ path: String?) -> Rewrite {
        Rewrite(pass: pass, note: note, location: path.map { SourceLocation(file: "Model.swift", line: 1, path: $0) })
    }

    @Test func groups() {
        var rewrites = (0..<12).map { rewrite("qkv", "3 matmuls of %\($0 * 40) became one", "blocks.\($0).attn") }
        rewrites.append(rewrite("gather", "moved above a matmul", nil))
        rewrites.append(rewrite("qkv", "2 matmuls of %7 became one", "blocks.2.attn"))
        #expect(
            RewriteSummary(rewrites).description == """
                qkv: 13
                  12 x 3 matmuls of % became one
                      blocks.0…11.attn (12 times)
                  1 x 2 matmuls of % became one
                      blocks.2.attn
                gather: 1
                  1 x moved above a matmul
                      outside of layers
                """)
        #expect(RewriteSummary([]).description == "no rewrites")
    }
}
