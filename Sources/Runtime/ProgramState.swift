import ApusIR
import ApusSystem
import Foundation
import Synchronization

/// The parameters of a model by name: weights and what the optimizer keeps about them.
///
/// One state serves several programs that declare the same parameters, such as a training step and an evaluation.
/// Threads can share it: a run, and whatever else reads or writes the state, waits until what another thread does with
/// it has ended. A body that is handed memory here, or that observes a run, therefore must not wait for another thread
/// that uses the same state.
public final class ProgramState: @unchecked Sendable {  // every property is used under the lock only
    private struct Entry {
        var type: TensorType
        /// Memory that the entry shares with the others that were added with it.
        var memory: Memory
        var byteOffset: Int

        var pointer: UnsafeMutableRawPointer { memory.pointer + byteOffset }
    }
    /// A thread that has the state may ask for it again, as a body does that reads one parameter to write another.
    private let lock = NSRecursiveLock()
    private var entries: [String: Entry] = [:]
    private var updates = 0
    /// A number that no state has had before, whenever some content changes: who has computed something of the content
    /// knows by it whether that still holds. To be used inside of ``exclusively(_:)``.
    private(set) var version = ProgramState.nextVersion()
    private static let versions = Atomic<UInt64>(0)

    private static func nextVersion() -> UInt64 { versions.add(1, ordering: .relaxed).newValue }

    /// A state without any parameter.
    public init() {}

    /// How often the weights have been updated.
    public var step: Int {
        get { exclusively { updates } }
        set { exclusively { updates = newValue } }
    }

    /// Names in alphabetical order.
    public var names: [String] { exclusively { entries.keys.sorted() } }

    /// The type of a parameter; nil if there is none of the name.
    public func type(of name: String) -> TensorType? { exclusively { entries[name]?.type } }

    /// Calls `body` while no other thread uses the state, such as for a run and the count of it.
    package func exclusively<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }

    /// Says that content changes, or is about to; to be used inside of ``exclusively(_:)``.
    func noteChange() { version = Self.nextVersion() }

    /// Adds the parameters of a program that the state has not got yet, filled by their initialisers.
    ///
    /// The numbers depend on the seed and the parameter's name alone. Throws if a parameter is there with another type.
    public func add(_ parameters: [Parameter], seed: UInt64) throws(RuntimeError) {
        try exclusively { () throws(RuntimeError) in try addMissing(parameters, seed: seed) }
    }

    /// Adds parameters whose content lies in memory that belongs to the state from now on.
    func add(_ parameters: [(parameter: Parameter, byteOffset: Int)], lyingIn memory: Memory) {
        exclusively {
            noteChange()
            for (parameter, byteOffset) in parameters {
                entries[parameter.name] = Entry(type: parameter.type, memory: memory, byteOffset: byteOffset)
            }
        }
    }

    /// Has layers draw other random numbers than those of other ranks do: the first number of the key, where the state
    /// has one, is moved by the rank. That of rank 0 stays.
    public func draw(asRank rank: Int) throws(RuntimeError) {
        guard rank != 0, names.contains(Parameter.randomKeyName) else { return }
        try write(Parameter.randomKeyName, type: TensorType(.i32, [2])) { key in
            let seed = key.load(as: UInt32.self)
            // An odd number, so that all ranks have different keys.
            key.storeBytes(of: seed &+ UInt32(truncatingIfNeeded: rank) &* 0x9e37_79b9, as: UInt32.self)
        }
    }

    private func addMissing(_ parameters: [Parameter], seed: UInt64) throws(RuntimeError) {
        var added: [(parameter: Parameter, byteOffset: Int)] = []
        var byteCount = 0
        for parameter in parameters {
            if let entry = entries[parameter.name] {
                guard entry.type == parameter.type else { throw mismatch(parameter, entry.type) }
                continue
            }
            guard isShape(parameter.type.shape) else {
                throw RuntimeError(.type, "'\(parameter.name)' is \(parameter.type), which is no shape of a tensor")
            }
            if let problem = parameter.initializer.problem(for: parameter.type) {
                throw RuntimeError(
                    .type, "the parameter '\(parameter.name)', \(parameter.type), cannot be filled: \(problem)")
            }
            added.append((parameter, byteCount))
            let (sum, isTooLarge) = byteCount.addingReportingOverflow(Memory.aligned(parameter.type.byteCount))
            byteCount = isTooLarge ? .max : sum
        }
        guard !added.isEmpty else { return }
        noteChange()
        // One memory for all; in tests of the code one for each, so that nobody reaches from one into another.
        let groups = Memory.isGuarded ? added.map { [$0] } : [added]
        for group in groups {
            let memory = try Memory(
                byteCount: group.count < added.count ? group[0].parameter.type.byteCount : byteCount)
            for (parameter, byteOffset) in group {
                entries[parameter.name] = Entry(
                    type: parameter.type, memory: memory, byteOffset: byteOffset - group[0].byteOffset)
            }
        }
        // The largest first, so that no thread is left with one at the end.
        let bySize = added.map(\.parameter).sorted { $0.type.count > $1.type.count }
        let places = bySize.map { entries[$0.name].map { ($0.memory, $0.byteOffset) } }
        concurrently(bySize.count) { turn in
            guard let (memory, byteOffset) = places[turn] else { return }
            let parameter = bySize[turn]
            parameter.initializer.fill(memory.pointer + byteOffset, parameter.type, name: parameter.name, seed: seed)
        }
    }

    /// A copy of a parameter's numbers.
    public func read(_ name: String) throws(RuntimeError) -> TensorData {
        try exclusively { () throws(RuntimeError) in
            let entry = try entry(name)
            return TensorData(type: entry.type, copying: entry.pointer)
        }
    }

    /// Overwrites a parameter's numbers.
    public func write(_ name: String, _ data: TensorData) throws(RuntimeError) {
        try write(name, type: data.type) { target in data.withBytes { target.copyMemory(from: $0) } }
    }

    /// Lets `fill` overwrite a parameter's memory, which must be of this type.
    public func write(_ name: String, type: TensorType, _ fill: (UnsafeMutableRawBufferPointer) -> Void)
        throws(RuntimeError)
    {
        try exclusively { () throws(RuntimeError) in
            let entry = try entry(name)
            guard entry.type == type else { throw RuntimeError(.type, "'\(name)' is \(entry.type), given \(type)") }
            // Before, and after: the closure may run a program.
            noteChange()
            defer { noteChange() }
            fill(UnsafeMutableRawBufferPointer(start: entry.pointer, count: type.byteCount))
        }
    }

    /// Reads a parameter's memory without a copy.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try withBytes(of: [name]) { try body($0[0]) }
    }

    /// Reads the memory of several parameters without a copy.
    public func withBytes<Result>(of names: [String], _ body: ([UnsafeRawBufferPointer]) throws -> Result) throws
        -> Result
    {
        try exclusively { () throws in
            try body(
                names.map { name in
                    let entry = try entry(name)
                    return UnsafeRawBufferPointer(start: entry.pointer, count: entry.type.byteCount)
                })
        }
    }

    private func entry(_ name: String) throws(RuntimeError) -> Entry {
        guard let entry = entries[name] else { throw RuntimeError(.name, "the state has no parameter '\(name)'") }
        return entry
    }

    /// The memory of a program's parameters, in its order; to be used inside of ``exclusively(_:)``.
    func pointers(for parameters: [Parameter]) throws(RuntimeError) -> [UnsafeMutableRawPointer] {
        var pointers: [UnsafeMutableRawPointer] = []
        for parameter in parameters {
            let entry = try entry(parameter.name)
            guard entry.type == parameter.type else { throw mismatch(parameter, entry.type) }
            pointers.append(entry.pointer)
        }
        return pointers
    }

    private func mismatch(_ parameter: Parameter, _ type: TensorType) -> RuntimeError {
        RuntimeError(.type, "'\(parameter.name)' is \(type) in the state, \(parameter.type) in the program")
    }
}
