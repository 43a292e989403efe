import Apus
import Foundation
import Testing

@Suite final class WeightsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    private func step(hidden: Int, classes: Int = 3, norm: Bool = false) -> TrainingStep {
        TrainingStep(optimizer: .adamW(learningRate: 0.1).averagingWeights(decay: 0.9)) {
            let model = Sequential {
                Linear(4, hidden).named("encoder.fc1")
                if norm { LayerNorm(hidden).named("encoder.norm") }
                Dropout(0.5)
                Linear(hidden, classes).named("head")
            }
            Loss(crossEntropy(model(Input("x", [2, 4])), Input("y", [2], .int32)))
        }
    }

    private func state(_ step: TrainingStep, seed: UInt64 = 0) throws -> ProgramState {
        try Compiler(threads: 1).compile(step).makeState(seed: seed)
    }

    @Test func savedWeightsAreTheModelsAlone() throws {
        let path = folder.path + "/w.safetensors", state = try state(step(hidden: 5), seed: 3)
        let names = ["encoder.fc1.bias", "encoder.fc1.weight", "head.bias", "head.weight"]
        #expect(state.names.count > names.count)
        #expect(state.weightNames == names)
        #expect(state.weightCount() == 5 * 4 + 5 + 3 * 5 + 3 && state.weightCount(matching: "head.*") == 18)
        try state.saveWeights(to: path)
        #expect(try SafetensorsFile(contentsOf: path).names.sorted() == names)
        let other = try self.state(step(hidden: 5), seed: 4)
        #expect(try other.read("head.weight") != state.read("head.weight"))
        let report = try other.loadWeights(from: path)
        #expect(report.isComplete && report.description == "took 4 of 4 weights")
        for name in names { #expect(try other.read(name) == state.read(name)) }
    }

    @Test func whatDoesNotFitIsSaidAndNothingIsLoaded() throws {
        let path = folder.path + "/w.safetensors"
        try state(step(hidden: 5, norm: true), seed: 3).saveWeights(to: path)
        let other = try state(step(hidden: 5, classes: 2), seed: 4), before = try other.read("encoder.fc1.weight")
        do {
            try other.loadWeights(from: path)
            Issue.record("weights of another model were loaded")
        } catch let error as WeightsMismatch {
            #expect(
                error.description
                    == "\(path): these are not the weights of this model, and none was loaded (partly: true takes those that fit): 2 of another shape: head.bias (F32[3] in the file, f32[2] in the model), head.weight (F32[3,5] in the file, f32[2,5] in the model); 2 in the file alone: encoder.norm.bias, encoder.norm.weight"
            )
        }
        #expect(try other.read("encoder.fc1.weight") == before)
        let report = try other.loadWeights(from: path, partly: true)
        #expect(report.loaded == ["encoder.fc1.bias", "encoder.fc1.weight"] && report.missing.isEmpty)
        #expect(report.misfits.map(\.name) == ["head.bias", "head.weight"])
        #expect(report.description.hasPrefix("took 2 of 4 weights\n2 of another shape: "))
        #expect(try other.read("encoder.fc1.weight") != before)
    }

    @Test func frozenWeightsStay() throws {
        let step = step(hidden: 5).freezing("encoder.*"), program = try Compiler(threads: 1).compile(step)
        let state = try program.makeState(seed: 1)
        let before = try state.read("encoder.fc1.weight"), head = try state.read("head.weight")
        let inputs = [
            "x": try TensorData((0..<8).map { Float($0) }, shape: [2, 4]), "y": try TensorData([0, 2] as [Int32]),
        ]
        for _ in 0..<3 { _ = try program.run(state, inputs) }
        #expect(try state.read("encoder.fc1.weight") == before && state.read("head.weight") != head)
        #expect(throws: GraphErrors.self) { try self.step(hidden: 5).freezing("decoder.*").trace() }
    }

    /// A summary of a model with a layer in a layer.
    @Test func summary() throws {
        let text = try step(hidden: 5, norm: true).freezing("encoder.norm.*").summary().description
        #expect(
            text == """
                layer         result    weights  MFLOP
                encoder       f32[2,5]       35  0.000
                encoder.fc1   f32[2,5]       25  0.000
                encoder.norm  f32[2,5]       10  0.000
                2             f32[2,5]        0  0.000
                head          f32[2,3]       18  0.000
                in all                       53  0.000
                43 of 53 numbers are trained
                """, "\(text)")
        let rows = try step(hidden: 50).summary(depth: 1).rows
        #expect(rows.map(\.path).first == "encoder" && rows[0].operations == 2 * 2 * 4 * 50)
    }
}
