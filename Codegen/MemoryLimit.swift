import ApusIR
import ApusTransforms

/// The parameters and the arena of a program do not fit into the memory that it was given.
public struct MemoryLimitError: Error, Hashable, Sendable, CustomStringConvertible {
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
    public var bytes: Int

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

extension GraphCompiler {
    /// The schedule of a graph. With a limit, as little of the forward pass as possible is computed again so that
    /// parameters and arena fit.
    func fitted(_ graph: Graph, recording rewrites: inout [Rewrite]) throws -> (graph: Graph, schedule: Schedule) {
        let schedule = try self.schedule(graph)
        guard let limit = options.memoryLimit else { return (graph, schedule) }
        let whole = bytes(schedule)
        guard whole > limit else { return (graph, schedule) }
        let choices = Checkpoints(graph).choices
        var smallest = whole, found: (graph: Graph, schedule: Schedule, rewrites: [Rewrite], bytes: Int)?
        /// Whether a choice fits; the first one that is asked for and does is kept.
        func fits(_ number: Int) throws -> Bool {
            let segments = choices[number]
            var notes: [Rewrite] = []
            let smaller = try Pipeline([.rematerialize { _ in segments }]).run(graph, recording: &notes)
            let schedule = try self.schedule(smaller), bytes = bytes(schedule)
            smallest = min(smallest, bytes)
            if bytes <= limit { found = (smaller, schedule, notes, bytes) }
            return bytes <= limit
        }
        // More segments take less memory, mostly: the fewest that are enough lie between one that is not and one that
        // is.
        var low = 0, high = choices.count
        while low < high {
            let middle = (low + high) / 2
            if try fits(middle) { high = middle } else { low = middle + 1 }
        }
        guard let found else { throw MemoryLimitError(limit: limit, smallest: smallest) }
        rewrites += found.rewrites
        rewrites.append(
            Rewrite(
                pass: "memory-limit", note: "parameters and arena take \(size(found.bytes)) instead of \(size(whole))",
                location: nil))
        return (found.graph, found.schedule)
    }

    /// What a program's parameters, constants and arena take.
    private func bytes(_ schedule: Schedule) -> Int {
        schedule.graph.parameters.reduce(0) { $0 + $1.operation.type.byteCount }
            + schedule.constants.reduce(0) { $0 + $1.count }
            + places(schedule).report.arenaBytes
    }
}
