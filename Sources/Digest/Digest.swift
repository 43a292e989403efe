/// The SHA-256 of some bytes: what differs has different digests, whoever chose it.
package struct Digest: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ content: [UInt8]) {
        self.init { hash in hash.add(content) }
    }

    /// The digest of a list of texts; where one ends and the next begins counts too.
    package init(_ texts: [String]) {
        self.init { hash in
            for text in texts {
                let utf8 = Array(text.utf8)
                hash.add(withUnsafeBytes(of: UInt64(utf8.count).littleEndian) { Array($0) })
                hash.add(utf8)
            }
        }
    }

    private init(_ fill: (inout SHA256) -> Void) {
        var hash = SHA256()
        fill(&hash)
        bytes = hash.finish()
    }

    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// FIPS 180-4, section 6.2.
private struct SHA256 {
    private static let blockBytes = 64
    private var state: [UInt32] = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ]
    /// What does not fill a block yet.
    private var rest: [UInt8] = []
    private var byteCount: UInt64 = 0

    private static let constants: [UInt32] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ]

    mutating func add(_ bytes: [UInt8]) {
        byteCount += UInt64(bytes.count)
        let pending = rest + bytes
        let whole = pending.count / Self.blockBytes * Self.blockBytes
        pending.withUnsafeBytes { pending in
            for start in stride(from: 0, to: whole, by: Self.blockBytes) {
                compress(UnsafeRawBufferPointer(rebasing: pending[start..<start + Self.blockBytes]))
            }
        }
        rest = Array(pending[whole...])
    }

    mutating func finish() -> [UInt8] {
        let bitCount = byteCount * 8
        let padding = 1 + (2 * Self.blockBytes - 9 - rest.count) % Self.blockBytes
        add([0x80] + [UInt8](repeating: 0, count: padding - 1) + withUnsafeBytes(of: bitCount.bigEndian) { Array($0) })
        return state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    private mutating func compress(_ block: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
            for t in 0..<16 { w[t] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * t, as: UInt32.self)) }
            for t in 16..<64 {
                let s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3)
                let s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10)
                w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            Self.constants.withUnsafeBufferPointer { k in
                for t in 0..<64 {
                    let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
                    let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ k[t] &+ w[t]
                    let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
                    let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
                    (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
                }
            }
            for (position, value) in [a, b, c, d, e, f, g, h].enumerated() { state[position] &+= value }
        }
    }

    @inline(__always) private func rotate(_ x: UInt32, _ count: UInt32) -> UInt32 { x >> count | x << (32 - count) }
}
