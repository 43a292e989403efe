import ApusIR
import Testing

@Suite struct OperationRegistryTests {
    @Test func everyOperationHasASample() {
        let sampled = Set(operationSamples.map { $0.operation.name })
        for kind in OperationRegistry.all {
            #expect(sampled.contains(kind.name), "no sample of '\(kind.name)' in OperationSamples.swift")
        }
        #expect(sampled.count == OperationRegistry.all.count)
    }

    @Test func namesAreUniqueWordsOfTheTextForm() {
        let names = OperationRegistry.all.map { $0.name }
        #expect(Set(names).count == names.count)
        for name in names {
            let isWord = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }
            #expect(isWord && !name.isEmpty, "'\(name)'")
        }
    }

    /// Gradients flow through an operation, or it is made of others, or its result is not smooth.
    @Test func everyOperationTellsHowItIsDifferentiated() {
        for kind in OperationRegistry.all {
            let isDifferentiable = kind is any DifferentiableOperation.Type
            let isOnlyComposite = kind is any CompositeOperation.Type && !isDifferentiable
            let isNot = kind is any NonDifferentiableOperation.Type
            #expect([isDifferentiable, isOnlyComposite, isNot].filter { $0 }.count == 1, "'\(kind.name)'")
        }
    }

    @Test(arguments: operationSamples)
    func infersTheType(_ sample: OperationSample) throws {
        #expect(try sample.operation.inferType(sample.operands) == sample.result)
    }

    @Test(arguments: operationSamples)
    func readsItsTextBack(_ sample: OperationSample) throws {
        let graph = try sample.graph(), text = graph.text()
        let parsed = try Graph(parsing: text)
        #expect(parsed.text() == text)
        #expect(parsed == graph, "\(text)")
        #expect(text.split(separator: "\n").count == graph.nodes.count + 3, "one node a line:\n\(text)")
    }

    @Test(arguments: operationSamples)
    func evaluatesToItsType(_ sample: OperationSample) {
        let operands = sample.operands.map { HostTensor($0, fill: 1) }
        let result = sample.operation.evaluate(operands, type: sample.result)
        #expect(result.type == sample.result)
        #expect(result.values.count == sample.result.count)
    }

    @Test(arguments: operationSamples)
    func refusesAnotherNumberOfOperands(_ sample: OperationSample) {
        guard !(sample.operation is Concatenate) else { return }
        // Attention without a mask takes one more.
        let count = (sample.operation as? any AttentionOperation).map {
            type(of: $0).operandCount + ($0.scores.dropout == nil ? 0 : 1)
        }
        let tooMany =
            sample.operands
            + [TensorType](repeating: TensorType(.f32, [3]), count: count == sample.operands.count ? 2 : 1)
        let error = #expect(throws: GraphError.self) { try sample.operation.inferType(tooMany) }
        #expect(error?.code == .structure)
        let expected =
            sample.operation is BatchNormalization
            ? "1 or 3 operands"
            : count.map { "\($0) operands, or \($0 + 1) with a mask" } ?? "\(sample.operands.count) operands"
        #expect(error?.message == "takes \(expected), has \(tooMany.count)")
    }
}
