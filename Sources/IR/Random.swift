/// Counter-based random numbers: the same counter and key give the same bits on every machine and in any order.
///
/// Philox4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
public enum Philox {
    @inlinable package static var multipliers: (UInt32, UInt32) { (0xD251_1F53, 0xCD9E_8D57) }
    @inlinable package static var weyl: (UInt32, UInt32) { (0x9E37_79B9, 0xBB67_AE85) }
    @inlinable package static var rounds: Int { 10 }

    /// Four random words for a counter of four words and a key of two.
    @inlinable
    public static func block(counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)) -> (
        UInt32, UInt32, UInt32, UInt32
    ) {
        var (c0, c1, c2, c3) = counter
        var (k0, k1) = key
        for _ in 0..<rounds {
            let a = UInt64(c0) * UInt64(multipliers.0)
            let b = UInt64(c2) * UInt64(multipliers.1)
            (c0, c1, c2, c3) = (
                UInt32(truncatingIfNeeded: b >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: a)
            )
            k0 &+= weyl.0
            k1 &+= weyl.1
        }
        return (c0, c1, c2, c3)
    }

    /// A number in the open interval (0, 1) from the upper 23 bits of a word: never 0, so its logarithm is finite.
    public static func uniform(_ word: UInt32) -> Float { (Float(word >> 9) + 0.5) * 0x1p-23 }
}
