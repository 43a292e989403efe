import ApusIR
import ApusRuntime

/// Finds the first value of a forward pass that is not finite.
struct FiniteProbe {
    let graph: Graph
    let compile: (Graph) throws -> CompiledStep

    /// Where the first number that is not finite comes from, among weights, inputs and operations; nil if there is
    /// none. `samples` names what the inputs are made of, one after the other.
    func origin(
        _ state: ProgramState, _ inputs: [String: TensorData], samples: [String]
    ) throws -> NotFiniteOrigin? {
        if let name = try state.firstNotFinite() { return NotFiniteOrigin(source: .weight(name), samples: []) }
        for (name, numbers) in inputs.sorted(by: { $0.key < $1.key }) where numbers.type.element == .f32 {
            // −∞ is what a mask forbids with.
            guard numbers.floats.contains(where: { !$0.isFinite && $0 != -.infinity }) else { continue }
            return NotFiniteOrigin(source: .input(name), samples: Self.samples(numbers.floats, samples))
        }
        guard let value = try firstNotFinite(state, inputs) else { return nil }
        let node = graph[value]
        return NotFiniteOrigin(
            source: .operation(node.operation.name, at: node.location),
            samples: Self.samples(try numbers(of: value, state, inputs), samples))
    }

    /// The first operation that makes NaN, or infinity of finite operands: what only passes on the infinity of a
    /// constant, as a mask does, is none.
    private func firstNotFinite(_ state: ProgramState, _ inputs: [String: TensorData]) throws -> Value? {
        let computed = graph.values.filter { !graph[$0].operands.isEmpty && graph[$0].type.element == .f32 }
        let report = try run(state, inputs) { builder in
            for value in computed {
                let tensor = builder.tensor(value)
                builder.output("\(value)", maximum(abs(tensor), axes: Array(tensor.shape.indices)))
            }
        }
        func isInfinite(_ value: Value) -> Bool {
            if let found = report["\(value)"] { return found.scalar.isInfinite }
            switch graph[value].operation {
            case let constant as Constant: return constant.splat?.isInfinite ?? true
            case let input as Input: return inputs[input.name]?.floats.contains(where: \.isInfinite) ?? false
            default: return false
            }
        }
        return computed.first { value in
            guard let largest = report["\(value)"]?.scalar, !largest.isFinite else { return false }
            return largest.isNaN || !graph[value].operands.contains(where: isInfinite)
        }
    }

    /// The numbers of one value.
    private func numbers(of value: Value, _ state: ProgramState, _ inputs: [String: TensorData]) throws -> [Float] {
        try run(state, inputs) { $0.output("\(value)", $0.tensor(value)) }["\(value)"]?.floats ?? []
    }

    /// Runs the forward pass for other results than its own; it changes no state.
    private func run(
        _ state: ProgramState, _ inputs: [String: TensorData], _ declare: (GraphBuilder) -> Void
    ) throws -> StepReport {
        var graph = graph
        graph.results = []
        let builder = GraphBuilder(extending: graph)
        declare(builder)
        let program = try compile(builder.finish())
        return try program.run(state, program.taken(from: inputs))
    }

    /// Those of a batch whose numbers are not finite, where the numbers are divided among them; none if all are such.
    private static func samples(_ numbers: [Float], _ names: [String]) -> [String] {
        guard !names.isEmpty, numbers.count.isMultiple(of: names.count) else { return [] }
        let count = numbers.count / names.count
        let found = names.indices.filter { sample in
            numbers[sample * count..<(sample + 1) * count].contains { !$0.isFinite }
        }
        return found.count == names.count ? [] : found.map { names[$0] }
    }
}
