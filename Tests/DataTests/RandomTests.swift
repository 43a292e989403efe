import ApusData
import Testing

@Suite struct RandomTests {
    @Test func philoxGivesThePublishedNumbers() {
        // Known answers of the Random123 library.
        let zero = CounterRandom.philox(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        #expect(zero == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        let ones = CounterRandom.philox(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        #expect(ones == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
        let pi = CounterRandom.philox(
            counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: SIMD2(0xA409_3822, 0x299F_31D0))
        #expect(pi == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func everyPartOfTheKeyCounts() {
        func first(_ seed: UInt64, _ epoch: Int, _ index: Int, _ purpose: CounterRandom.Purpose) -> UInt64 {
            var random = CounterRandom(seed: seed, epoch: epoch, index: index, purpose: purpose)
            return random.next()
        }
        let draws = [
            first(1, 2, 3, .order), first(1, 2, 3, .augmentation), first(1, 2, 4, .order), first(1, 3, 3, .order),
            first(2, 2, 3, .order), first(1 + 1 << 32, 2, 3, .order),
        ]
        #expect(Set(draws).count == draws.count)
        #expect(first(1, 2, 3, .order) == draws[0])
    }

    @Test func numbersFillTheirRangesEvenly() {
        var random = CounterRandom(seed: 7, purpose: .phantom)
        var counts = [Int](repeating: 0, count: 10)
        var sum = 0.0
        for _ in 0..<20_000 {
            counts[random.integer(below: 10)] += 1
            let value = random.uniform(in: -1...3)
            #expect((-1...3).contains(value))
            sum += value
        }
        #expect(counts.allSatisfy { abs($0 - 2000) < 200 })
        #expect(abs(sum / 20_000 - 1) < 0.04)
    }

    @Test func permutationsHoldEveryNumberOnce() {
        for count in [0, 1, 2, 17, 1000] {
            var random = CounterRandom(seed: 3, epoch: count, purpose: .order)
            #expect(random.permutation(of: count).sorted() == Array(0..<count))
        }
    }

    @Test func cropsStayInsideAndKeepTheirShape() throws {
        for index in 0..<2000 {
            var random = CounterRandom(seed: 5, index: index, purpose: .augmentation)
            let (width, height) = (1 + random.integer(below: 300), 1 + random.integer(below: 300))
            let region = RandomCrop.standard.region(width: width, height: height, using: &random)
            #expect(region.left >= 0 && region.top >= 0 && region.width > 0 && region.height > 0)
            #expect(region.left + region.width <= width && region.top + region.height <= height)
        }
    }

    @Test func aLongImageFallsBackToItsMiddle() throws {
        var random = CounterRandom(seed: 5, purpose: .augmentation)
        let region = RandomCrop.standard.region(width: 1000, height: 9, using: &random)
        #expect(region == PixelRect(left: 494, top: 0, width: 12, height: 9))
    }

    @Test func impossibleCropsAreRefused() {
        #expect(throws: DataError.self) { try RandomCrop(scale: 0...1) }
        #expect(throws: DataError.self) { try RandomCrop(scale: 0.5...1.5) }
        #expect(throws: DataError.self) { try RandomCrop(scale: 0.5...1, ratio: 0...1) }
    }

    @Test func boundsBelowOneLeaveNoChoice() {
        var random = CounterRandom(seed: 1, purpose: .order)
        #expect([1, 0, -1, .min].map { random.integer(below: $0) } == [0, 0, 0, 0])
        #expect([1, 0, -1].map { random.permutation(of: $0) } == [[0], [], []])
    }
}
