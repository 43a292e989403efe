import ApusIR
import Dispatch

/// The parameters of a model by name: weights and what the optimizer keeps about them.
///
/// One state serves several programs that declare the same parameters, such as a training step and an evaluation.
public final class ProgramState: @unchecked Sendable {
    private struct Entry {
        var type: TensorType
        /// Memory that the entry shares with the others that were added with it.
        var memory: Memory
        var byteOffset: Int

        var pointer: UnsafeMutableRawPointer { memory.pointer + byteOffset }
    }
    private var entries: [String: Entry] = [:]
    /// How often the weights have been updated.
    public var step = 0

    public init() {}

    /// Names in alphabetical order.
    public var names: [String] { entries.keys.sorted() }

    public func type(of name: String) -> TensorType? { entries[name]?.type }

    /// Adds the parameters of a program that the state has not got yet, filled by their initialisers.
    ///
    /// The numbers depend on the seed and the parameter's name alone. Throws if a parameter is there with another type.
    public func add(_ parameters: [Parameter], seed: UInt64) throws(RuntimeError) {
        var added: [(parameter: Parameter, byteOffset: Int)] = []
        var byteCount = 0
        for parameter in parameters {
            if let entry = entries[parameter.name] {
                guard entry.type == parameter.type else { throw mismatch(parameter, entry.type) }
                continue
            }
            if let problem = parameter.initializer.problem(for: parameter.type) {
                throw RuntimeError(
                    .type, "the parameter '\(parameter.name)', \(parameter.type), cannot be filled: \(problem)")
            }
            added.append((parameter, byteCount))
            let (sum, overflows) = byteCount.addingReportingOverflow(Memory.aligned(parameter.type.byteCount))
            byteCount = overflows ? .max : sum
        }
        guard !added.isEmpty else { return }
        let memory = try Memory(byteCount: byteCount)
        for (parameter, byteOffset) in added {
            entries[parameter.name] = Entry(type: parameter.type, memory: memory, byteOffset: byteOffset)
        }
        // The largest first, so that no thread is left with one at the end.
        let bySize = added.sorted { $0.parameter.type.count > $1.parameter.type.count }
        DispatchQueue.concurrentPerform(iterations: bySize.count) { turn in
            let (parameter, byteOffset) = bySize[turn]
            parameter.initializer.fill(memory.pointer + byteOffset, parameter.type, name: parameter.name, seed: seed)
        }
    }

    /// A copy of a parameter's numbers.
    public func read(_ name: String) throws(RuntimeError) -> TensorData {
        guard let entry = entries[name] else { throw RuntimeError(.name, "the state has no parameter '\(name)'") }
        return TensorData(type: entry.type, copying: entry.pointer)
    }

    /// Overwrites a parameter's numbers.
    public func write(_ name: String, _ data: TensorData) throws(RuntimeError) {
        try write(name, type: data.type) { target in data.bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    /// Lets `fill` overwrite a parameter's memory, which must be of this type.
    public func write(_ name: String, type: TensorType, _ fill: (UnsafeMutableRawBufferPointer) -> Void)
        throws(RuntimeError)
    {
        guard let entry = entries[name] else { throw RuntimeError(.name, "the state has no parameter '\(name)'") }
        guard entry.type == type else { throw RuntimeError(.type, "'\(name)' is \(entry.type), given \(type)") }
        fill(UnsafeMutableRawBufferPointer(start: entry.pointer, count: type.byteCount))
    }

    /// Reads a parameter's memory without a copy.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let entry = entries[name] else { throw RuntimeError(.name, "the state has no parameter '\(name)'") }
        return try body(UnsafeRawBufferPointer(start: entry.pointer, count: entry.type.byteCount))
    }

    /// The memory of a program's parameters, in its order.
    func pointers(for parameters: [Parameter]) throws(RuntimeError) -> [UnsafeMutableRawPointer] {
        var pointers: [UnsafeMutableRawPointer] = []
        for parameter in parameters {
            guard let entry = entries[parameter.name] else {
                throw RuntimeError(.name, "the state has no parameter '\(parameter.name)'")
            }
            guard entry.type == parameter.type else { throw mismatch(parameter, entry.type) }
            pointers.append(entry.pointer)
        }
        return pointers
    }

    private func mismatch(_ parameter: Parameter, _ type: TensorType) -> RuntimeError {
        RuntimeError(.type, "'\(parameter.name)' is \(type) in the state, \(parameter.type) in the program")
    }
}
