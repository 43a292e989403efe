import ApusIR

extension TensorData {
    /// Some of the parts along the first axis, in the given order. Throws if one of them is not there, or if there are
    /// none.
    public func samples(_ numbers: [Int]) throws(RuntimeError) -> TensorData {
        let extent = type.shape.first ?? 0, bytes = type.byteCount / max(extent, 1)
        guard !numbers.isEmpty else { throw RuntimeError(.value, "no samples of \(type) are asked for") }
        if let missing = numbers.first(where: { !(0..<extent ~= $0) }) {
            throw RuntimeError(.value, "there is no sample \(missing) in \(type)")
        }
        return TensorData(type: type.with(shape: [numbers.count] + type.shape.dropFirst())) { target in
            withBytes { source in
                for (place, number) in numbers.enumerated() {
                    UnsafeMutableRawBufferPointer(rebasing: target[place * bytes..<(place + 1) * bytes])
                        .copyMemory(from: .init(rebasing: source[number * bytes..<(number + 1) * bytes]))
                }
            }
        }
    }

    /// Tensors one after the other along the first axis. Throws if they differ in anything but its extent, or if there
    /// are none.
    public static func joined(_ parts: [TensorData]) throws(RuntimeError) -> TensorData {
        guard let first = parts.first, first.type.rank > 0 else {
            throw RuntimeError(.type, "there are no tensors with a first axis to join")
        }
        for part in parts
        where part.type.element != first.type.element || part.type.rank != first.type.rank
            || part.type.shape.dropFirst() != first.type.shape.dropFirst()
        {
            throw RuntimeError(.type, "tensors \(first.type) and \(part.type) do not follow each other")
        }
        let count = parts.map { $0.type.shape[0] }.reduce(0, +)
        return TensorData(type: first.type.with(shape: [count] + first.type.shape.dropFirst())) { target in
            var start = 0
            for part in parts {
                part.withBytes { bytes in
                    UnsafeMutableRawBufferPointer(rebasing: target[start..<start + bytes.count]).copyMemory(from: bytes)
                    start += bytes.count
                }
            }
        }
    }
}
