import ApusIR

/// A rank's connection to the others: processes or threads that run the same program side by side, each on its own
/// share of the data.
///
/// All ranks call the same methods in the same order. Collectives are under way between begin and finish, while the
/// rank computes something else; several may be, and they end in the order in which they began. Of one number, each
/// rank gets the same bits.
public protocol Communicator: AnyObject, Sendable {
    /// Which of the ranks this is, from 0.
    var rank: Int { get }
    /// How many ranks there are.
    var count: Int { get }
    /// How many of them share this machine.
    var localCount: Int { get }

    /// Begins to do something with the elements of all ranks, f32, f64, bf16 or i32, of which there is the same number
    /// of each rank, and of parts a multiple of the ranks'; the memory belongs to the communicator until that is
    /// finished. Throws `RuntimeError.communication`, which names the rank.
    func begin(
        _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
    ) throws(RuntimeError)
    /// Waits until the oldest of what has begun is done, in the place of its elements. Throws `RuntimeError` of the
    /// code `otherRank` where another rank has failed, or `communication`; the memory of this collective, and of others
    /// that are under way, is the communicator's then for as long as the process lives.
    func finish() throws(RuntimeError)
    /// Sends elements to another rank, which sends as many to this one at the same time; all ranks exchange at once,
    /// each with a partner. Throws as ``finish()`` does, and the memory is the communicator's then.
    func exchange(
        _ elements: UnsafeRawBufferPointer, with other: Int, into target: UnsafeMutableRawBufferPointer
    ) throws(RuntimeError)
    /// Lets what is under way go on; called now and then while the rank computes.
    func progress() throws(RuntimeError)
}

extension Communicator {
    /// Nothing to be done.
    public func progress() {}

    /// Exchanges by a sum over all ranks, which sends much more than what partners exchange.
    public func exchange(
        _ elements: UnsafeRawBufferPointer, with other: Int, into target: UnsafeMutableRawBufferPointer
    ) throws(RuntimeError) {
        var words = [Int32](repeating: 0, count: (elements.count + 3) / 4)
        words.withUnsafeMutableBytes { $0.copyMemory(from: elements) }
        try gathered(words)[other].withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<target.count]))
        }
    }

    /// Adds up some numbers of all ranks at once.
    public func sum(_ numbers: [Int32]) throws(RuntimeError) -> [Int32] {
        let memory = UnsafeMutableBufferPointer<Int32>.allocate(capacity: numbers.count)
        _ = memory.initialize(from: numbers)
        // Of a sum that has failed, others may still write there: the memory is not given back then.
        for start in stride(from: 0, to: numbers.count, by: Self.longestMessage) {
            let part = UnsafeMutableBufferPointer(rebasing: memory[start...].prefix(Self.longestMessage))
            try begin(.allReduce, UnsafeMutableRawBufferPointer(part), of: .i32)
            try finish()
        }
        defer { memory.deallocate() }
        return Array(memory)
    }

    /// Numbers of a message of those that ``sum(_:)`` sends: MPI counts them by an Int32.
    private static var longestMessage: Int { 1 << 28 }

    /// What each rank says, by rank: numbers, of which every rank gives as many.
    public func gathered(_ numbers: [Int32]) throws(RuntimeError) -> [[Int32]] {
        var all = [Int32](repeating: 0, count: numbers.count * count)
        all.replaceSubrange(rank * numbers.count..<(rank + 1) * numbers.count, with: numbers)
        let sums = try sum(all)
        return (0..<count).map { Array(sums[$0 * numbers.count..<($0 + 1) * numbers.count]) }
    }

    /// The texts of all ranks, by rank.
    public func gathered(_ text: String) throws(RuntimeError) -> [String] {
        let bytes = Array(text.utf8), lengths = try gathered([Int32(bytes.count)]).map { Int($0[0]) }
        let padded = bytes.map(Int32.init) + [Int32](repeating: 0, count: (lengths.max() ?? 0) - bytes.count)
        return zip(try gathered(padded), lengths).map { String(decoding: $0.prefix($1).map(UInt8.init), as: UTF8.self) }
    }

    /// Whether some rank says so.
    public func any(_ isSo: Bool) throws(RuntimeError) -> Bool { try sum([isSo ? 1 : 0])[0] > 0 }
}
