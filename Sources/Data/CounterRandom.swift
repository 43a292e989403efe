/// Random numbers that are a pure function of what they are for.
///
/// Philox 4x32-10 keyed by the seed counts up from (epoch, index, purpose): whichever thread asks, in whatever
/// order, and whether or not a run was interrupted before, the same key gives the same numbers.
public struct CounterRandom: RandomNumberGenerator, Sendable {
    /// What numbers are drawn for; different purposes never share numbers.
    public struct Purpose: RawRepresentable, Sendable, Hashable {
        public let rawValue: UInt32

        /// Names a purpose by number; 0 to 15 belong to this room.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The order of the images in an epoch.
        public static let order = Purpose(rawValue: 1)
        /// Crop and flip of one image.
        public static let augmentation = Purpose(rawValue: 2)
        /// The shapes of one synthetic image.
        public static let phantom = Purpose(rawValue: 3)
        /// How the images of one batch are mixed.
        public static let mixing = Purpose(rawValue: 4)
    }

    private let key: SIMD2<UInt32>
    private var counter: SIMD4<UInt32>
    private var block = SIMD4<UInt32>()
    private var unused = 0

    /// Starts the numbers of (seed, epoch, index, purpose); epoch and index count modulo 2^32.
    public init(seed: UInt64, epoch: Int = 0, index: Int = 0, purpose: Purpose) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = SIMD4(
            0, UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: epoch), purpose.rawValue)
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        if unused == 0 {
            block = Self.philox(counter: counter, key: key)
            counter[0] &+= 1
            unused = 2
        }
        unused -= 1
        return unused == 1
            ? UInt64(block[1]) << 32 | UInt64(block[0])
            : UInt64(block[3]) << 32 | UInt64(block[2])
    }

    /// A number in 0..<1, a multiple of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number in `range`.
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    /// An integer in 0..<`bound`, each equally likely up to 2^-64 `bound`; 0 for a bound below 1.
    public mutating func integer(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(bound, 1))).high)
    }

    /// The numbers 0..<`count` in random order (Fisher and Yates); none for a count below 1.
    public mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<max(count, 0))
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1))
        }
        return order
    }

    /// Ten rounds of Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
    package static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (state, key) = (counter, key)
        for _ in 0..<10 {
            let first = state[0].multipliedFullWidth(by: 0xD251_1F53)
            let second = state[2].multipliedFullWidth(by: 0xCD9E_8D57)
            state = SIMD4(
                second.high ^ state[1] ^ key[0], second.low, first.high ^ state[3] ^ key[1], first.low)
            key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return state
    }
}
