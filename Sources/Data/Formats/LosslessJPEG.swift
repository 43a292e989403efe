/// Decodes lossless JPEG with Huffman coding (ITU-T T.81, process 14, all predictors): 2 to 16 bits, components of
/// equal size.
enum LosslessJPEG {
    /// The samples, row-major, the components of a pixel side by side; throws `corruptImage` or `unsupportedImage`.
    /// The caller has checked the size in `header`.
    static func decode(_ bytes: [UInt8], _ header: JPEGHeader) throws(DataError) -> [UInt16] {
        guard (2...16).contains(header.precision), header.width > 0, header.height > 0, !header.components.isEmpty
        else {
            throw .damaged("JPEG", "\(header.width) x \(header.height) samples of \(header.precision) bits")
        }
        guard header.components.allSatisfy({ $0.sampling == header.components[0].sampling }) else {
            throw .unsupported("a lossless JPEG image with components of different sizes")
        }
        var decoder = Decoder(header)
        try decoder.read(bytes)
        return decoder.samples
    }

    private struct Decoder {
        let header: JPEGHeader
        var samples: [UInt16]
        var tables: [HuffmanTable?] = Array(repeating: nil, count: 4)
        /// Rows between two restarts; 0 without restarts.
        var restartRows = 0
        var missing: Set<Int>

        init(_ header: JPEGHeader) {
            self.header = header
            samples = Array(repeating: 0, count: header.width * header.height * header.components.count)
            missing = Set(header.components.indices)
        }

        mutating func read(_ bytes: [UInt8]) throws(DataError) {
            var reader = ByteReader(bytes, format: "JPEG", order: .bigEndian, position: 2)
            while true {
                let marker = try reader.jpegMarker()
                if marker == 0xD9 {
                    guard missing.isEmpty else { throw .damaged("JPEG", "a component is missing") }
                    return
                }
                let segment = Array(try reader.jpegSegment())
                switch marker {
                case 0xC4: try readTables(segment)
                case 0xDD:
                    guard segment.count >= 2 else { throw .damaged("JPEG", "a restart interval") }
                    let interval = Int(segment[0]) << 8 | Int(segment[1])
                    guard interval % header.width == 0 else {
                        throw .unsupported("a lossless JPEG image that restarts inside of a row")
                    }
                    restartRows = interval / header.width
                case 0xDA:
                    var bits = BitReader(bytes, position: reader.position)
                    try readScan(segment, &bits)
                    try reader.move(to: bits.position)
                default: break
                }
            }
        }

        private mutating func readTables(_ segment: [UInt8]) throws(DataError) {
            var place = 0
            while place < segment.count {
                guard segment.count - place >= 17 else { throw .damaged("JPEG", "a Huffman table") }
                let counts = segment[place + 1..<place + 17].map(Int.init)
                let values = segment.dropFirst(place + 17).prefix(counts.reduce(0, +))
                // A table of the second class is of another process and not used here.
                if segment[place] < 4 { tables[Int(segment[place])] = try HuffmanTable(counts, Array(values)) }
                place += 17 + values.count
            }
        }

        private mutating func readScan(_ segment: [UInt8], _ bits: inout BitReader) throws(DataError) {
            let count = segment.first.map(Int.init) ?? 0
            guard count > 0, segment.count >= 4 + 2 * count else { throw .damaged("JPEG", "the header of a scan") }
            var parts: [(component: Int, table: HuffmanTable)] = []
            for part in 0..<count {
                let id = segment[1 + 2 * part], number = Int(segment[2 + 2 * part] >> 4)
                guard let component = header.components.firstIndex(where: { $0.id == id }),
                    missing.remove(component) != nil, number < 4, let table = tables[number]
                else { throw .damaged("JPEG", "the header of a scan") }
                parts.append((component, table))
            }
            let predictor = segment[1 + 2 * count], shift = Int(segment[3 + 2 * count] & 15)
            guard (1...7).contains(predictor), shift < header.precision else {
                throw .damaged("JPEG", "the predictor \(predictor), shifted by \(shift)")
            }
            for y in 0..<header.height {
                // The row after a restart is predicted as the first one is.
                let isFirst = y == 0 || restartRows > 0 && y % restartRows == 0
                if isFirst, y > 0 { try bits.restart() }
                for x in 0..<header.width {
                    for part in parts {
                        let difference = try part.table.difference(&bits)
                        let place = (y * header.width + x) * header.components.count + part.component
                        let prediction = predict(predictor, place, x, isFirst: isFirst, shift: shift)
                        samples[place] = UInt16(truncatingIfNeeded: prediction + difference)
                    }
                }
            }
            if shift > 0 {
                for part in parts {
                    for place in stride(from: part.component, to: samples.count, by: header.components.count) {
                        samples[place] <<= UInt16(shift)
                    }
                }
            }
        }

        /// The prediction from the samples at the left, above, and at the left above.
        private func predict(_ predictor: UInt8, _ place: Int, _ x: Int, isFirst: Bool, shift: Int) -> Int {
            let step = header.components.count, row = header.width * step
            if isFirst { return x == 0 ? 1 << (header.precision - shift - 1) : Int(samples[place - step]) }
            let above = Int(samples[place - row])
            guard x > 0 else { return above }
            let left = Int(samples[place - step]), corner = Int(samples[place - row - step])
            return switch predictor {
            case 1: left
            case 2: above
            case 3: corner
            case 4: left + above - corner
            case 5: left + (above - corner) >> 1
            case 6: above + (left - corner) >> 1
            default: (left + above) >> 1
            }
        }
    }

    /// Codes of up to 16 bits, looked up by the next 16 bits.
    private struct HuffmanTable {
        /// The code's length and the value, or 0 where there is no code.
        private var entries = [UInt16](repeating: 0, count: 1 << 16)

        init(_ counts: [Int], _ values: [UInt8]) throws(DataError) {
            guard values.count == counts.reduce(0, +) else { throw .damaged("JPEG", "a Huffman table") }
            var code = 0, next = 0
            for (index, count) in counts.enumerated() {
                let length = index + 1
                for _ in 0..<count {
                    let first = code << (16 - length), width = 1 << (16 - length)
                    guard first + width <= entries.count, values[next] <= 16 else {
                        throw .damaged("JPEG", "a Huffman table")
                    }
                    for place in first..<first + width { entries[place] = UInt16(length) << 8 | UInt16(values[next]) }
                    code += 1
                    next += 1
                }
                code <<= 1
            }
        }

        /// The next difference: its number of bits, and those bits.
        func difference(_ bits: inout BitReader) throws(DataError) -> Int {
            let entry = entries[bits.peek16()]
            guard entry != 0 else { throw .damaged("JPEG", "a code without a meaning") }
            try bits.skip(Int(entry >> 8))
            let size = Int(entry & 255)
            if size == 0 { return 0 }
            // 16 stands for 32768, without further bits.
            if size == 16 { return 32768 }
            let value = bits.peek16() >> (16 - size)
            try bits.skip(size)
            return value < 1 << (size - 1) ? value - (1 << size) + 1 : value
        }
    }

    /// Bits of a scan, up to the next marker.
    private struct BitReader {
        private let bytes: [UInt8]
        /// The place of the next byte.
        private(set) var position: Int
        private var buffer = 0
        private var count = 0

        init(_ bytes: [UInt8], position: Int) {
            (self.bytes, self.position) = (bytes, position)
        }

        /// The next 16 bits; zeros lie behind the end.
        mutating func peek16() -> Int {
            while count < 16 {
                guard let byte = nextByte() else { return (buffer << (16 - count)) & 0xFFFF }
                buffer = (buffer << 8 | Int(byte)) & 0xFFFF_FFFF
                count += 8
            }
            return buffer >> (count - 16) & 0xFFFF
        }

        mutating func skip(_ bits: Int) throws(DataError) {
            guard bits <= count else { throw .damaged("JPEG", "a scan ends too early") }
            count -= bits
        }

        /// The next byte of the scan; nil at a marker, and at the end.
        private mutating func nextByte() -> UInt8? {
            guard position < bytes.count else { return nil }
            guard bytes[position] == 0xFF else {
                position += 1
                return bytes[position - 1]
            }
            guard position + 1 < bytes.count, bytes[position + 1] == 0 else { return nil }
            position += 2
            return 0xFF
        }

        /// Goes behind the next restart marker.
        mutating func restart() throws(DataError) {
            (buffer, count) = (0, 0)
            guard position + 1 < bytes.count, bytes[position] == 0xFF, (0xD0...0xD7).contains(bytes[position + 1])
            else {
                throw .damaged("JPEG", "a restart is missing")
            }
            position += 2
        }
    }
}
