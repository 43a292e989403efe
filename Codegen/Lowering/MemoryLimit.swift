import ApusIR
import ApusTransforms

/// The parameters and the arena of a program do not fit into the memory that it was given.
public struct MemoryLimitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes that were allowed.
    public var limit: Int
    /// The fewest bytes that were reached by computing parts of the forward pass again.
    public var smallest: Int

    public var description: String {
        "the program cannot stay below \(size(limit)): computing all it can again, it still takes \(size(smallest)); "
            + "raise the limit, or use a smaller batch or a smaller model"
    }
}

/// A number of bytes as people write it: `1500000`, `1.5GB`, `800MB`; units are powers of 1000.
public struct ByteCount: Hashable, Sendable {
    /// How many bytes, above 0.
    public var bytes: Int

    /// So many bytes; 1 for fewer.
    public init(bytes: Int) { self.bytes = max(bytes, 1) }

    /// Nil for what is no number of bytes, or none above 0.
    public init?(_ text: String) {
        let text = text.uppercased()
        let units: [(name: String, bytes: Double)] = [("GB", 1e9), ("MB", 1e6), ("KB", 1e3), ("B", 1), ("", 1)]
        guard let unit = units.first(where: { text.hasSuffix($0.name) }),
            let number = Double(text.dropLast(unit.name.count))
        else { return nil }
        guard number * unit.bytes >= 1, number * unit.bytes < 1e15 else { return nil }
        bytes = Int(number * unit.bytes)
    }
}

/// Bytes as text, in KB or MB.
private func size(_ bytes: Int) -> String {
    bytes < 10_000_000 ? "\((bytes + 500) / 1000) KB" : "\((bytes + 500_000) / 1_000_000) MB"
}

extension Pass {
    /// Computes as little of the forward pass as possible again, so that parameters, inputs and arena fit into the
    /// limit.
    ///
    /// What a choice takes is what its schedule and its plan of memory take. Throws `MemoryLimitError` if no choice
    /// fits.
    package static func limitMemory(to limit: Int, _ tuning: Tuning) -> Pass {
        Pass(
            "memory-limit",
            recording: { graph, rewrites in
                func bytes(_ graph: Graph) throws -> Int {
                    let placed = try Pass.placeOperands(tuning).reduce(graph) { try $1.run($0) }
                    let schedule = try Schedule(placed, tuning)
                    let leaves =
                        schedule.graph.parameters.map(\.operation.type) + schedule.graph.inputs.map(\.operation.type)
                    return leaves.reduce(0) { $0 + $1.byteCount } + schedule.constants.reduce(0) { $0 + $1.count }
                        + BufferLocations(schedule).report.arenaBytes
                }
                let whole = try bytes(graph)
                guard whole > limit else { return graph }
                let choices = RecomputationPlan(graph).choices
                var smallest = whole, found: (graph: Graph, rewrites: [Rewrite], bytes: Int)?
                /// Whether a choice fits; the first one that is asked for and does is kept.
                func fits(_ number: Int) throws -> Bool {
                    let segments = choices[number]
                    var notes: [Rewrite] = []
                    let smaller = try Pipeline([.rematerialize { _ in segments }]).run(graph, recording: &notes)
                    let bytes = try bytes(smaller)
                    smallest = min(smallest, bytes)
                    if bytes <= limit { found = (smaller, notes, bytes) }
                    return bytes <= limit
                }
                // More segments take less memory, mostly: the fewest that are enough lie between one that is not and
                // one that is. Where that does not hold and the search ends with none, the others are tried too.
                var low = 0, high = choices.count
                while low < high {
                    let middle = (low + high) / 2
                    if try fits(middle) { high = middle } else { low = middle + 1 }
                }
                if found == nil { for number in choices.indices where try fits(number) { break } }
                guard let found else { throw MemoryLimitError(limit: limit, smallest: smallest) }
                rewrites += found.rewrites
                rewrites.append(
                    Rewrite(
                        pass: "memory-limit",
                        note: "parameters, inputs and arena take \(size(found.bytes)) instead of \(size(whole))",
                        location: nil)
                )
                return found.graph
            })
    }
}
