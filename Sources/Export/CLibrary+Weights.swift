import ApusDigest
import ApusRuntime

extension CLibrary {
    /// Tells a model by the names and types of its parameters (FNV-1a).
    var weightsKey: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for parameter in program.parameters {
            for byte in "\(parameter.name) \(parameter.type)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hash
    }

    /// The content of a file of weights; weights.c says what it consists of.
    func weightsContent() -> [UInt8] {
        var content = [UInt8](repeating: 0, count: Self.headerBytes)
        func align() { content += [UInt8](repeating: 0, count: Memory.aligned(content.count) - content.count) }
        func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }
        var places = Self.headerBytes + Memory.aligned(8 * program.parameters.count)
        for parameter in program.parameters {
            guard weights[parameter.name] != nil else {
                content += bytes(0)
                continue
            }
            content += bytes(UInt64(places))
            places += Memory.aligned(parameter.type.byteCount)
        }
        align()
        content.reserveCapacity(places)
        for parameter in program.parameters {
            weights[parameter.name]?.withBytes { content += $0 }
            align()
        }
        let numbers = [
            weightsKey, UInt64(content.count), content[Self.headerBytes...].withUnsafeBytes { Checksum($0) }.value, 0,
            0, 0,
        ]
        content.replaceSubrange(..<Self.headerBytes, with: Array("apus weights 1\n\0".utf8) + numbers.flatMap(bytes))
        return content
    }

    private static let headerBytes = 64
}
