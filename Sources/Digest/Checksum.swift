/// A checksum of many bytes that is as fast as memory: tells damage, and does not withstand somebody who wants it to be
/// overlooked.
///
/// Eight sums take 64-bit words in turn, each by exclusive or and a multiplication by an odd number (Fowler, Noll and
/// Vo): every step keeps different sums different, so that a change of any one word is noticed.
package struct Checksum: Hashable, Sendable, Codable {
    package let value: UInt64

    private static let prime: UInt64 = 0x9e37_79b9_7f4a_7c15

    package init(_ bytes: UnsafeRawBufferPointer) {
        var sums = SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
        let whole = bytes.count / 64 * 64
        for place in stride(from: 0, to: whole, by: 64) {
            sums = (sums ^ bytes.loadUnaligned(fromByteOffset: place, as: SIMD8<UInt64>.self)) &* Self.prime
        }
        var sum = UInt64(bytes.count)
        func add(_ word: UInt64) {
            sum = (sum ^ word) &* Self.prime
            sum ^= sum >> 29
        }
        for lane in sums.indices { add(sums[lane]) }
        for byte in bytes[whole...] { add(UInt64(byte)) }
        value = sum
    }
}
