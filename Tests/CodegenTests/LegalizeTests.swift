import ApusCodegen
import ApusIR
import ApusLLVM
import ApusTransforms
import Foundation
import Testing

/// The forms of operations that kernels know, as text.
struct LegalizeTests {
    /// What a graph of the inputs becomes, without its first line, its inputs and its last two lines.
    private func legalized(_ types: [TensorType], _ body: ([Tensor]) -> [Tensor]) throws -> [String] {
        let tuning = Tuning(try .host())
        let once = try Pipeline([.legalize(tuning), .deadCode]).run(functionGraph(types, body))
        #expect(try Pipeline([.legalize(tuning), .deadCode]).run(once) == once)
        let lines = once.text().split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.filter { $0.hasPrefix("%") && !$0.contains("= input") }
    }

    private func axes(_ left: Int, _ right: Int) -> String {
        "left_batch = [], right_batch = [], left_contracting = [\(left)], right_contracting = [\(right)]"
    }

    @Test func reductionsGoAlongOneAxis() throws {
        #expect(
            try legalized([f32(2, 3, 4)]) { x in [sum(x[0], axes: [0, 2])] } == [
                "%1 = reduce %0 {kind = \"sum\", axes = [2]} : f32[2,3]",
                "%2 = reduce %1 {kind = \"sum\", axes = [0]} : f32[3]",
            ])
    }

    /// bf16 is multiplied in pairs with sums in f32; an odd number of factors as f32.
    @Test func productsOfBFloat16AddUpInSinglePrecision() throws {
        #expect(
            try legalized([bf16(5, 6), bf16(6, 7)]) { x in [matmul(x[0], x[1])] } == [
                "%2 = dot %0, %1 {\(axes(1, 0)), result = \"f32\"} : f32[5,7]", "%3 = cast %2 : bf16[5,7]",
            ])
        #expect(
            try legalized([bf16(5, 3), bf16(3, 7)]) { x in [matmul(x[0], x[1])] } == [
                "%2 = cast %0 : f32[5,3]", "%3 = cast %1 : f32[3,7]", "%4 = dot %2, %3 {\(axes(1, 0))} : f32[5,7]",
                "%5 = cast %4 : bf16[5,7]",
            ])
    }
}
