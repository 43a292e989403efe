import ApusIR

/// Numbers for all inputs of a graph: f32 multiples of 1/64, or of another part of one, in ±2, i32 in −3…60, bool 0 or
/// 1.
///
/// They depend on the seed and the input's name, so that an input keeps its numbers when others are taken away.
public func randomInputs(for graph: Graph, seed: UInt64, denominator: Int = 64) -> [String: HostTensor] {
    numbers(graph.inputs.map { ($0.operation.name, $0.operation.type) }, seed ^ 0xABCD_EF01, denominator)
}

/// Numbers for all parameters of a graph, drawn like those of `randomInputs`.
public func randomParameters(for graph: Graph, seed: UInt64, denominator: Int = 64) -> [String: HostTensor] {
    numbers(graph.parameters.map { ($0.operation.name, $0.operation.type) }, seed ^ 0x1357_9BDF, denominator)
}

private func numbers(_ leaves: [(name: String, type: TensorType)], _ seed: UInt64, _ denominator: Int) -> [String:
    HostTensor]
{
    Dictionary(
        uniqueKeysWithValues: leaves.map { leaf in
            var random = SeededGenerator(seed: leaf.name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
            return (leaf.name, randomTensor(leaf.type, &random, denominator: denominator))
        })
}

/// A tensor of random numbers that every floating-point type holds exactly; bf16 only if the denominator is at most 64.
public func randomTensor(_ type: TensorType, _ random: inout SeededGenerator, denominator: Int = 64) -> HostTensor {
    HostTensor(
        type,
        (0..<type.count).map { _ in
            switch type.element {
            case .f32, .f64, .bf16:
                type.element.rounded(Double(random.integer(-2 * denominator...2 * denominator)) / Double(denominator))
            case .i32: Double(random.integer(-3...60))
            case .bool: Double(random.integer(0...1))
            }
        })
}
