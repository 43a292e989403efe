import Apus
import Foundation
import Synchronization
import Testing

/// Runs that are to go on with another model, whose weights have the same names and shapes.
@Suite struct FitModelTests {
    private let folder = TemporaryFolder()

    /// A perceptron whose activation, rate of dropout and loss can be others.
    private struct Perceptron: Layer {
        var isSmooth = false, isDeep = false, rate = 0.1, start: Initializer?
        var body: some Layer {
            Linear(2, 8, initializer: start).named("fc1")
            if isSmooth { GELU() } else { ReLU() }
            Dropout(rate).named("drop")
            if isDeep { Tanh() }
            Linear(8, 2).named("fc2")
        }
    }

    private func step(
        _ model: Perceptron = Perceptron(), learningRate: Double = 0.02, smoothing: Double = 0
    ) -> TrainingStep {
        TrainingStep(optimizer: .adamW(learningRate: learningRate)) {
            let logits = model.named("net")(Input("points", [16, 2]))
            Loss(crossEntropy(logits, Input("labels", [16], .int32), smoothing: smoothing))
        }
    }

    private func train(
        _ step: TrainingStep, _ name: String = "run", resuming: Bool = true, allowingChanges: Bool = false,
        epochs: Int = 4, output: TrainingOutput = .silent
    ) throws -> FitResult {
        try fit(
            step, Circle.points(40, seed: 1), in: folder.file(name), settings: Circle.settings(epochs: epochs),
            resuming: resuming, allowingChanges: allowingChanges, output: output)
    }

    private func checkpoint(_ name: String = "run") throws -> SafetensorsFile {
        let path = try #require(try RunFolder(opening: folder.file(name)).latestCheckpoint()?.path)
        return try SafetensorsFile(contentsOf: path)
    }

    /// Writes the newest checkpoint anew with other metadata.
    private func rewrite(_ change: (inout [String: String]) -> Void) throws {
        let whole = try checkpoint()
        var metadata = whole.metadata
        change(&metadata)
        let tensors = try whole.names.map { name in
            SafetensorsWriter.Tensor(
                name, try whole.elementType(name), try whole.shape(name), reading: { try whole.bytes(name) })
        }
        try SafetensorsWriter.write(to: whole.path, metadata: metadata, tensors: tensors)
    }

    @Test func anotherModelIsRefusedByItsLayer() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        func refusal(_ difference: String) -> String {
            "the model is not that of the run, in which \(difference): give the step as it was, begin a new run with the "
                + "weights of that one (loadWeights), or go on with the change by fit(…, resuming: true, "
                + "allowingChanges: true)"
        }
        let others: [(TrainingStep, String)] = [
            (step(Perceptron(isSmooth: true)), "the layer 'net.1' computed something else"),
            (step(Perceptron(rate: 0.2)), "the layer 'net.drop' computed something else"),
            (step(Perceptron(rate: 0)), "there was the layer 'net.drop'"),
            (step(Perceptron(isDeep: true)), "the layer 'net.3' was not there"),
            (step(smoothing: 0.1), "what lies outside of layers computed something else"),
        ]
        for (other, difference) in others {
            #expect(message { _ = try train(other) } == refusal(difference))
        }
        // What is refused leaves the run as it was.
        #expect(try train(step()).isFinished)
    }

    /// How weights start, the learning rate and the place in the file are not the model.
    @Test func whatTheModelComputesIsTheSame() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        let other = step(Perceptron(start: .xavierUniform), learningRate: 0.01)
        #expect(try train(other).isFinished)
    }

    @Test func goesOnWithTheChangeIfAskedTo() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        let warnings = Mutex<[String]>([])
        let output = TrainingOutput(
            progress: ProgressWriter(isTerminal: false) { _ in },
            warn: { text in warnings.withLock { $0.append(text) } }
        ) { _ in }
        let path = try checkpoint().path
        let other = step(Perceptron(isSmooth: true))
        #expect(try train(other, allowingChanges: true, epochs: 2, output: output).isFinished)
        #expect(
            warnings.withLock { $0 } == [
                "the run goes on with another model: in the model of \(path), the layer 'net.1' computed something else"
            ])
        // From here on that is the model of the run.
        #expect(try train(other, epochs: 3).isFinished)
        #expect(message { _ = try train(step()) }.contains("the layer 'net.1' computed something else"))
    }

    @Test func checkpointsThatSayNothingOfTheModelGoOn() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        try rewrite { $0["model"] = nil }
        #expect(try train(step(Perceptron(isSmooth: true)), epochs: 2).isFinished)
    }

    /// Another version of Apus may trace the same layers to other operations.
    @Test func otherVersionsAreNotCompared() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        try rewrite { $0["model"] = $0["model"]?.replacing("\"version\":\"", with: "\"version\":\"0.") }
        #expect(try train(step(Perceptron(isSmooth: true)), epochs: 2).isFinished)
    }

    @Test func metadataThatCannotBeReadIsRefused() throws {
        _ = try train(step(), resuming: false, epochs: 1)
        try rewrite { $0["model"] = "{\"layers\":1}" }
        #expect(message { _ = try train(step()) }.contains("what its metadata says of the model cannot be read"))
    }

    @Test func severalSeeds() throws {
        func train(_ step: TrainingStep, resuming: Bool, allowingChanges: Bool = false, epochs: Int) throws -> Bool {
            try fit(
                step, Circle.points(40, seed: 1), in: folder.file("seeds"), seeds: [0, 1],
                settings: Circle.settings(epochs: epochs), resuming: resuming, allowingChanges: allowingChanges,
                output: .silent
            ).isFinished
        }
        #expect(try train(step(), resuming: false, epochs: 1))
        let other = step(Perceptron(isSmooth: true))
        #expect(message { _ = try train(other, resuming: true, epochs: 2) }.contains("'net.1'"))
        #expect(try train(other, resuming: true, allowingChanges: true, epochs: 2))
    }
}
