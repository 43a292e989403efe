import Apus
import Foundation
import Testing

/// The mistakes that a newcomer makes, with what is said of each, word for word: Errors/newcomer.txt.
///
/// `FILE:+n` there is the n-th line of the mistake itself. With APUS_BLESS=1 in the environment the file is written
/// anew.
@Suite final class NewcomerTests {
    private struct Mistake {
        let name: String, line: Int
        let make: (NewcomerTests) throws -> Void

        init(_ name: String, line: Int = #line, _ make: @escaping (NewcomerTests) throws -> Void) {
            (self.name, self.line, self.make) = (name, line, make)
        }

        /// What is said, with lines that count from that of the mistake.
        func text(_ test: NewcomerTests) -> String {
            do {
                try make(test)
                return "nothing was said"
            } catch {
                let file = /NewcomerTests\.swift:(\d+)/
                return "\(error)".replacing(file) { "FILE:+\((Int($0.1) ?? 0) - line)" }
                    .replacing(test.folder.path, with: "FOLDER")
            }
        }
    }

    private let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    // MARK: What goes right

    /// A classifier of 4 numbers, with what a test changes.
    private func step(
        hidden: Int = 8, classes: Int = 3, rate: Double = 0.1, loss: ((Tensor, Tensor) -> Tensor)? = nil
    ) -> TrainingStep {
        TrainingStep("classifier", optimizer: .adamW(learningRate: rate)) {
            let x = Input("x", [2, 4]), y = Input("y", [2], .int32)
            let logits = Sequential {
                Linear(4, hidden).named("fc1")
                ReLU()
                Linear(hidden, classes).named("fc2")
            }(x)
            Loss(loss?(logits, y) ?? crossEntropy(logits, y))
        }
    }

    private func forward(_ make: @escaping (Tensor) -> Tensor) throws -> Graph {
        try InferenceStep("forward") { Output("y", make(Input("x", [2, 4]))) }.trace()
    }

    private func compile(_ step: TrainingStep) throws -> (CompiledStep, ProgramState) {
        let program = try Compiler(threads: 1).compile(step)
        return (program, try program.makeState(seed: 0))
    }

    private func inputs(_ changes: [String: TensorData?] = [:]) throws -> [String: TensorData] {
        var inputs = try [
            "x": TensorData([Float](repeating: 1, count: 8), shape: [2, 4]), "y": TensorData([0, 2] as [Int32]),
        ]
        for (name, value) in changes { inputs[name] = value }
        return inputs
    }

    // MARK: What goes wrong

    private static var mistakes: [Mistake] {
        [
            Mistake("a layer for other widths") { _ = try $0.forward { Linear(5, 3).named("head")($0) } },
            Mistake("layers that do not follow on each other") {
                _ = try $0.forward {
                    Sequential {
                        Linear(4, 8)
                        Linear(6, 2)
                    }($0)
                }
            },
            Mistake("shapes that cannot be broadcast") { _ = try $0.forward { $0 + $0.reshape([4, 2]) } },
            Mistake("a reshape that loses elements") { _ = try $0.forward { $0.reshape([2, 3]) } },
            Mistake("an axis out of range") { _ = try $0.forward { softmax($0, axis: 2) } },
            Mistake("an axis out of range, counted from the end") { _ = try $0.forward { sum($0, axes: [-3]) } },
            Mistake("a slice beyond the end") { _ = try $0.forward { $0.slice(2..<6, axis: 1) } },
            Mistake("concatenation of other widths") {
                _ = try $0.forward { concatenate([$0, $0.slice(0..<1, axis: 1)], axis: 0) }
            },
            Mistake("numbers and integers together") { _ = try $0.forward { $0 + $0.cast(.int32) } },
            Mistake("labels as numbers") {
                _ = try $0.forward { crossEntropy($0, $0.slice(0..<1, axis: 1).reshape([2])) }
            },
            Mistake("images with the channels last") { _ in
                _ = try InferenceStep { Output("y", Conv2D(3, 8, kernel: 3)(Input("images", [2, 32, 32, 3]))) }.trace()
            },
            Mistake("a window larger than the image") { _ in
                _ = try InferenceStep { Output("y", Conv2D(3, 8, kernel: 7)(Input("images", [2, 3, 4, 4]))) }.trace()
            },
            Mistake("an image that is not flattened") { _ in
                _ = try InferenceStep { Output("y", Linear(12, 8)(Input("images", [2, 3, 2, 2]))) }.trace()
            },
            Mistake("heads that do not divide") {
                _ = try $0.forward { SelfAttention(4, heads: 3)($0.reshape([1, 2, 4])) }
            },
            Mistake("a residual that changes the width") { _ = try $0.forward { Residual { Linear(4, 3) }($0) } },
            Mistake("a probability above 1") {
                _ = try $0.step { logits, y in crossEntropy(Dropout(1.5)(logits), y) }.trace()
            },
            Mistake("two layers of one name") {
                _ = try $0.forward { Linear(4, 3).named("fc")(Linear(4, 4).named("fc")($0)) }
            },
            Mistake("one layer of one name, used as two") { _ in
                _ = try InferenceStep {
                    let x = Input("x", [2, 4])
                    Output("y", Linear(4, 3).named("fc")(x) + Linear(4, 3).named("fc")(x))
                }.trace()
            },
            Mistake("two inputs of one name") { _ in
                _ = try InferenceStep { Output("y", Input("x", [2]) + Input("x", [2], .int32).cast(.float32)) }.trace()
            },
            Mistake("two outputs of one name") { _ in
                _ = try InferenceStep {
                    let x = Input("x", [2])
                    Output("y", x)
                    Output("y", x * 2)
                }.trace()
            },
            Mistake("a tensor of another step") { test in
                var kept: Tensor?
                _ = try test.forward { x in
                    kept = x
                    return x
                }
                _ = try test.forward { x in x + (kept ?? x) }
            },
            Mistake("a loss for each sample") { _ = try $0.step { logits, _ in sum(logits, axes: [1]) }.trace() },
            Mistake("no loss") { _ in
                _ = try TrainingStep(optimizer: .sgd(learningRate: 1)) {
                    Metric("m", mean(Linear(4, 1)(Input("x", [2, 4]))))
                }.trace()
            },
            Mistake("two losses") { _ in
                _ = try TrainingStep(optimizer: .sgd(learningRate: 1)) {
                    let y = mean(Linear(4, 1)(Input("x", [2, 4])))
                    Loss(y)
                    Loss(y * 2)
                }.trace()
            },
            Mistake("nothing to learn") { _ in
                _ = try TrainingStep(optimizer: .sgd(learningRate: 1)) { Loss(mean(Input("x", [2, 4]))) }.trace()
            },
            Mistake("a layer that the loss does not need") {
                _ = try $0.compile(
                    TrainingStep(optimizer: .sgd(learningRate: 1)) {
                        let x = Input("x", [2, 4])
                        Output("extra", Linear(4, 2).named("unused")(x))
                        Loss(mean(Linear(4, 1).named("used")(x)))
                    })
            },
            Mistake("a loss without a gradient") {
                _ = try $0.compile($0.step { logits, y in mean(equal(argmax(logits), y).cast(.float32)) })
            },
            Mistake("a negative rate") { _ = try $0.step(rate: -0.1).trace() },
            Mistake("weights frozen by a name that there is not") { _ = try $0.step().freezing("encoder.*").trace() },
            Mistake("an input that is missing") {
                let (program, state) = try $0.compile($0.step())
                _ = try program.run(state, $0.inputs(["y": nil as TensorData?]))
            },
            Mistake("an input of another name") {
                let (program, state) = try $0.compile($0.step())
                _ = try program.run(state, $0.inputs(["labels": TensorData([0, 2] as [Int32])]))
            },
            Mistake("another batch") {
                let (program, state) = try $0.compile($0.step())
                _ = try program.run(
                    state, $0.inputs(["x": try TensorData([Float](repeating: 1, count: 12), shape: [3, 4])]))
            },
            Mistake("labels of another type") {
                let (program, state) = try $0.compile($0.step())
                _ = try program.run(state, $0.inputs(["y": TensorData([0, 2] as [Float])]))
            },
            Mistake("a label out of range") {
                let (program, state) = try $0.compile($0.step())
                _ = try program.run(state, $0.inputs(["y": TensorData([0, 3] as [Int32])]))
            },
            Mistake("numbers that are not as many as the shape says") { _ in
                _ = try TensorData([1, 2, 3] as [Float], shape: [2, 2])
            },
            Mistake("the state of another model") {
                let (program, _) = try $0.compile($0.step()), (_, other) = try $0.compile($0.step(hidden: 5))
                _ = try program.run(other, $0.inputs())
            },
            Mistake("weights of another model") {
                let (_, state) = try $0.compile($0.step()), (_, other) = try $0.compile($0.step(hidden: 5))
                try other.saveWeights(to: $0.folder.path + "/w.safetensors")
                try state.loadWeights(from: $0.folder.path + "/w.safetensors")
            },
            Mistake("weights that are not there") {
                try $0.compile($0.step()).1.loadWeights(from: $0.folder.path + "/none.safetensors")
            },
            Mistake("a layer to inspect that there is not") {
                _ = try Compiler(threads: 1).compile($0.step(), inspecting: Inspection(layers: ["fc3"]))
            },
            Mistake("NaN in the data") { _ in
                _ = try ArrayData(["x": TensorData([1, 2, .nan, 4] as [Float], shape: [2, 2])])
            },
            Mistake("fewer samples than a batch") {
                let data = try ArrayData([
                    "x": TensorData([Float](repeating: 1, count: 4), shape: [1, 4]), "y": TensorData([0] as [Int32]),
                ])
                _ = try fit($0.step(), data, in: $0.folder.path + "/run", output: .silent)
            },
            Mistake("a folder that holds a run") { test in
                let data = try ArrayData(test.inputs())
                for _ in 0..<2 { _ = try fit(test.step(), data, in: test.folder.path + "/run", output: .silent) }
            },
            Mistake("going on where there is no run") {
                _ = try fit(
                    $0.step(), ArrayData($0.inputs()), in: $0.folder.path + "/none", resuming: true, output: .silent)
            },
        ]
    }

    @Test func whatIsSaid() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Errors/newcomer.txt")
        let found = Self.mistakes.map { "# \($0.name)\n\($0.text(self))\n" }.joined(separator: "\n")
        if ProcessInfo.processInfo.environment["APUS_BLESS"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try found.write(to: file, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        for (found, expected) in zip(found.split(separator: "\n\n"), expected.split(separator: "\n\n")) {
            #expect(found == expected)
        }
        #expect(found == expected && Self.mistakes.count >= 40)
    }
}
