import ApusIR
import Foundation

extension Initializer {
    /// Fills a new parameter, whose memory is zero and whose type the initialiser fits. The numbers depend on seed,
    /// name and place in the tensor alone; narrower types round them.
    func fill(_ memory: UnsafeMutableRawPointer, _ type: TensorType, name: String, seed: UInt64) {
        switch type.element {
        case .f32: fill(memory, type, name: name, seed: seed) { Float($0) }
        case .bf16: fill(memory, type, name: name, seed: seed) { Self.bfloat16Bits(Float($0)) }
        case .f64: fill(memory, type, name: name, seed: seed) { $0 }
        case .i32: fill(memory, type, name: name, seed: seed) { Int32($0) }
        case .bool: fill(memory, type, name: name, seed: seed) { $0 != 0 }
        }
    }

    private static func bfloat16Bits(_ number: Float) -> UInt16 {
        UInt16(truncatingIfNeeded: Float(ElementType.bf16.rounded(Double(number))).bitPattern >> 16)
    }

    private func fill<Number>(
        _ memory: UnsafeMutableRawPointer, _ type: TensorType, name: String, seed: UInt64,
        _ number: (Double) -> Number
    ) {
        let values = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Number.self), count: type.count)
        var random = NameStream(name: name, seed: seed)
        switch self {
        case .constant(0): break
        case .constant(let value):
            values.update(repeating: number(value))
        case .normal(let mean, let deviation):
            for index in values.indices { values[index] = number(mean + random.normal() * deviation) }
        case .truncatedNormal(let deviation):
            for index in values.indices { values[index] = number(random.truncatedNormal(deviation)) }
        case .uniform(let bound):
            for index in values.indices { values[index] = number((2 * random.uniform() - 1) * bound) }
        case .xavierUniform:
            let rows = type.shape.first ?? 1
            let bound = (6 / Double(rows + type.count / max(rows, 1))).squareRoot()
            for index in values.indices { values[index] = number((2 * random.uniform() - 1) * bound) }
        case .seed:
            values[0] = number(Double(Int32(truncatingIfNeeded: seed)))
        case .sineCosine2D(let grid, let leadingZeros):
            let dim = type.shape.last ?? 0
            let places = UnsafeMutableBufferPointer(rebasing: values[(leadingZeros * dim)...])
            Self.eachPosition(grid: grid, dim: dim) { places[$0] = number($1) }
        }
    }

    /// Half of the columns encode the column, half the row of a place; of each, half by sine, half by cosine, with
    /// frequencies 10000^(−i / (dim/4)).
    private static func eachPosition(grid: Int, dim: Int, _ set: (_ index: Int, _ value: Double) -> Void) {
        let quarter = dim / 4
        for y in 0..<grid {
            for x in 0..<grid {
                let row = y * grid + x
                for (half, position) in [x, y].enumerated() {
                    for i in 0..<quarter {
                        let angle = Double(position) / pow(10000, Double(i) / Double(quarter))
                        set(row * dim + half * 2 * quarter + i, sin(angle))
                        set(row * dim + half * 2 * quarter + quarter + i, cos(angle))
                    }
                }
            }
        }
    }
}

/// Random numbers that belong to one name.
private struct NameStream {
    private let key: (UInt32, UInt32)
    private let name: (UInt32, UInt32)
    private var counter: UInt64 = 0
    private var spare: Double?

    init(name: String, seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        // FNV-1a: stable from run to run, unlike Swift's own hash.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.name = (UInt32(truncatingIfNeeded: hash), UInt32(truncatingIfNeeded: hash >> 32))
    }

    /// Uniform in (0, 1), 52 bits and a half of the last one.
    mutating func uniform() -> Double {
        let block = Philox.block(
            counter: (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), name.0, name.1),
            key: key)
        counter += 1
        let bits = UInt64(block.0) << 21 ^ UInt64(block.1 >> 11)
        return (Double(bits & ((1 << 52) - 1)) + 0.5) * 0x1p-52
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    mutating func normal() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        let radius = (-2 * log(uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }

    /// Normal with mean 0, within ±2.
    mutating func truncatedNormal(_ deviation: Double) -> Double {
        if deviation <= 2 {
            var value = normal() * deviation
            while abs(value) > 2 { value = normal() * deviation }
            return value
        }
        // Of wide distributions hardly a number lies within; there uniform ones are taken with the normal density,
        // which is at least e^(−1/2) of its largest.
        while true {
            let value = 4 * uniform() - 2, ratio = value / deviation
            if uniform() < exp(-ratio * ratio / 2) { return value }
        }
    }
}
