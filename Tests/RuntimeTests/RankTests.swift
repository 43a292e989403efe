import ApusIR
import ApusRuntime
import ApusSystem
import Testing

/// Ranks that are threads: what they add up, and that nobody waits for ever.
@Suite(.timeLimit(.minutes(1)))
struct RankTests {
    private func sum(_ numbers: [Float], by communicator: any Communicator) throws -> [Float] {
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: numbers.count)
        defer { memory.deallocate() }
        _ = memory.initialize(from: numbers)
        try communicator.begin(.allReduce, UnsafeMutableRawBufferPointer(memory), of: .f32)
        try communicator.finish()
        return Array(memory)
    }

    @Test(arguments: [1, 2, 3, 5])
    func everyRankGetsTheSum(ranks: Int) throws {
        let sums = try ThreadRanks.run(ranks) { communicator in
            #expect(communicator.count == ranks)
            let rank = Float(communicator.rank)
            return try (0..<20).map { try sum([rank, 1, Float($0) * rank], by: communicator) }
        }
        let total = Float((0..<ranks).reduce(0, +))
        let expected = (0..<20).map { [total, Float(ranks), Float($0) * total] }
        #expect(sums == [[[Float]]](repeating: expected, count: ranks))
    }

    /// Neighbours add up first, then pairs of them, whatever the order of their arrival; each rank gets the same bits.
    @Test(arguments: [1, 2, 4, 8])
    func sumsInATree(ranks: Int) throws {
        let numbers: [Float] = [1.1, 2.3, 4.7, 1e7, 16.9, 3.3e-3, 2.2, 5e5]
        @Sendable func tree(_ numbers: [Float]) -> Float {
            let half = numbers.count / 2
            return half == 0 ? numbers[0] : tree(Array(numbers[..<half])) + tree(Array(numbers[half...]))
        }
        let each = 8 / ranks
        let sums = try ThreadRanks.run(ranks) { communicator in
            let own = tree(Array(numbers[communicator.rank * each..<(communicator.rank + 1) * each]))
            return try sum([own, .nan, Float(communicator.rank)], by: TreeSums(communicator))
        }
        for sum in sums {
            #expect(sum[0] == tree(numbers) && sum[1].isNaN)
            #expect(sum[2] == Float(ranks * (ranks - 1) / 2))
        }
    }

    /// Each rank gets its own part of the sum, and all get the parts of all, by the ranks themselves and by a tree.
    @Test(arguments: [1, 2, 4], [false, true])
    func partsOfSums(ranks: Int, inTree: Bool) throws {
        let results = try ThreadRanks.run(ranks) { threads in
            let communicator: any Communicator = inTree ? TreeSums(threads) : threads
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 3 * ranks)
            defer { memory.deallocate() }
            _ = memory.initialize(from: (0..<3 * ranks).map { Float($0 + 100 * communicator.rank) })
            try communicator.begin(.reduceScatter, UnsafeMutableRawBufferPointer(memory), of: .f32)
            try communicator.finish()
            let part = Array(memory.prefix(3))
            try communicator.begin(.allGather, UnsafeMutableRawBufferPointer(memory), of: .f32)
            try communicator.finish()
            return [part, Array(memory)]
        }
        let sums = (0..<3 * ranks).map { Float($0 * ranks + 100 * (0..<ranks).reduce(0, +)) }
        for (rank, result) in results.enumerated() {
            #expect(result == [Array(sums[3 * rank..<3 * rank + 3]), sums], "rank \(rank)")
        }
    }

    /// Several sums are under way at once; each number of bf16 is rounded to bf16.
    @Test func sumsOverlap() throws {
        let results = try ThreadRanks.run(2) { communicator in
            let first = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: 1),
                second = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 2)
            defer {
                first.deallocate()
                second.deallocate()
            }
            // 1 and 2⁻⁹, whose sum is nearer to 1 than to the next bf16.
            first.initialize(repeating: communicator.rank == 0 ? 0x3f80 : 0x3b00)
            _ = second.initialize(from: [7, Int32(communicator.rank)])
            try communicator.begin(.allReduce, UnsafeMutableRawBufferPointer(first), of: .bf16)
            try communicator.begin(.allReduce, UnsafeMutableRawBufferPointer(second), of: .i32)
            try communicator.finish()
            try communicator.finish()
            return [Int32(first[0])] + second
        }
        #expect(results == [[0x3f80, 14, 1], [0x3f80, 14, 1]])
    }

    @Test func whatEachRankSays() throws {
        let results = try ThreadRanks.run(3) { communicator in
            let texts = try communicator.gathered(String(repeating: "ä", count: communicator.rank))
            return texts + [
                try communicator.any(communicator.rank == 2) ? "yes" : "no", try communicator.any(false) ? "yes" : "no",
            ]
        }
        #expect(results == [[String]](repeating: ["", "ä", "ää", "yes", "no"], count: 3))
    }

    private func message<Result: Sendable>(
        _ ranks: Int, _ body: @escaping @Sendable (any Communicator) throws -> Result
    ) -> String {
        do {
            _ = try ThreadRanks.run(ranks, body)
            return "no error"
        } catch { return "\(error)" }
    }

    /// The others do not wait for a rank that has failed; its error is the one that counts.
    @Test func aRankThatFailsEndsAll() {
        struct Broken: Error {}
        let text = message(3) { communicator in
            if communicator.rank == 1 { throw Broken() }
            return try sum([1], by: communicator)
        }
        #expect(text == "Broken()")
    }

    @Test func aRankThatEndsEarlyIsNamed() {
        let text = message(2) { communicator in
            communicator.rank == 1 ? [] : try sum([1], by: communicator)
        }
        #expect(
            text
                == "rank 0 waits for number 0 of what ranks do together, and rank 1 has ended without it: all ranks run the "
                + "same program as often")
    }

    @Test func sumsOfOtherSizesAreRefused() {
        let text = message(2) { try sum([Float](repeating: 1, count: 1 + $0.rank), by: $0) }
        #expect(text.contains("all_reduce of 4 bytes of f32") && text.contains("all_reduce of 8 bytes of f32"))
        #expect(text.hasSuffix("all ranks run the same program"))
    }

    @Test func otherWorkIsRefused() {
        let text = message(2) { communicator in
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
            memory.initialize(repeating: 0)
            let kind = communicator.rank == 0 ? Collective.Kind.allReduce : .allGather
            try communicator.begin(kind, UnsafeMutableRawBufferPointer(memory), of: .f32)
            try communicator.finish()
        }
        #expect(text.contains("all_reduce of 8 bytes of f32") && text.contains("all_gather of 8 bytes of f32"))
    }

    @Test func threadsThatTheSystemDoesNotGive() {
        let text = NativeThread.$areRefused.withValue(true) { message(2) { try sum([1], by: $0) } }
        #expect(text == "the system does not give 2 threads for as many ranks")
    }
}
