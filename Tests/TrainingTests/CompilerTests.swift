import Apus
import Foundation
import Synchronization
import Testing

/// The path from a declaration to a trained model.
struct CompilerTests {
    /// Two inputs and their exclusive or.
    static let inputs = try! TensorData([0, 0, 0, 1, 1, 0, 1, 1] as [Float], shape: [4, 2])
    static let labels = try! TensorData([0, 1, 1, 0] as [Int32])

    static func step(_ optimizer: Optimizer) -> TrainingStep {
        TrainingStep(optimizer: optimizer) {
            let x = Input("x", [4, 2])
            let labels = Input("labels", [4], .int32)
            let model = Sequential {
                Linear(2, 16)
                Tanh()
                Linear(16, 2)
            }
            let logits = model(x)
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    @Test(arguments: [Optimizer.adamW(learningRate: 0.02), .sgd(learningRate: 0.5, momentum: 0.9)])
    func learnsExclusiveOr(_ optimizer: Optimizer) throws {
        let program = try Compiler(threads: 2).compile(Self.step(optimizer))
        let state = try program.makeState(seed: 1)
        var report = try program.run(state, ["x": Self.inputs, "labels": Self.labels])
        let first = report.loss
        for _ in 0..<300 { report = try program.run(state, ["x": Self.inputs, "labels": Self.labels]) }
        #expect(first > 0.5)
        #expect(report.loss < 0.05)
        #expect(report["accuracy"]?.scalar == 1)
        #expect(state.step == 301)
    }

    /// A weight in rows that nothing reads has a gradient of zero, whether or not a fusion finds that out.
    @Test(arguments: [Set(Fusion.allCases), []])
    func weightsOfUnreadRowsHaveNoGradient(_ fusions: Set<Fusion>) throws {
        let step = TrainingStep(optimizer: .sgd(learningRate: 1)) {
            let first = weight("first", [1, 3], .ones), x = Input("x", [4, 3])
            Loss(mean(Linear(3, 2)(concatenate([first, x], axis: 0)).slice(1..<5, axis: 0)))
        }
        let program = try Compiler(CompilerOptions(fusions: fusions), threads: 1).compile(step, [.output])
        let report = try program.run(
            program.makeState(seed: 1), ["x": try TensorData([Float](repeating: 1, count: 12), shape: [4, 3])])
        #expect(try report["grad.first"] == TensorData([0, 0, 0] as [Float], shape: [1, 3]))
        #expect(report["grad.0.weight"] != nil || report["grad.weight"] != nil)
    }

    /// Two programs that train one state on two threads: no update is lost, and none is counted twice.
    @Test(.timeLimit(.minutes(1))) func threadsTrainOneState() throws {
        let state = try Compiler(threads: 1).compile(Self.step(.sgd(learningRate: 0.1))).makeState(seed: 1)
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            do {
                let program = try Compiler(threads: 1).compile(Self.step(.sgd(learningRate: 0.1)))
                for _ in 0..<500 { _ = try program.run(state, ["x": Self.inputs, "labels": Self.labels]) }
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 }.isEmpty)
        #expect(state.step == 1000)
        // All updates are alike, so that their order makes no difference.
        let program = try Compiler(threads: 1).compile(Self.step(.sgd(learningRate: 0.1)))
        let alone = try program.makeState(seed: 1)
        for _ in 0..<1000 { _ = try program.run(alone, ["x": Self.inputs, "labels": Self.labels]) }
        for name in alone.names { #expect(try state.read(name) == alone.read(name), "\(name)") }
    }
}
