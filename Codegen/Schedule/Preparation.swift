import ApusIR

/// What a program computes of its weights alone, where it updates none of them: it is computed by the first steps, once
/// for all runs with the same weights.
package struct Preparation {
    private let isPrepared: [Bool]

    /// What is prepared in a graph.
    package init(_ graph: Graph, _ tuning: Tuning) {
        isPrepared =
            tuning.preparesWeights ? graph.runInvariants() : [Bool](repeating: false, count: graph.nodes.count)
    }

    /// Whether a value depends on weights alone.
    package func contains(_ value: Value) -> Bool { isPrepared[value.index] }
}
