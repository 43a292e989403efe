extension ImageDecoder {
    /// A BMP without compression: 1, 4 or 8 bits with a palette, 24 or 32 bits of blue, green and red.
    func decodeBMP(_ bytes: [UInt8]) throws(DataError) -> RGBImage {
        let header = try BMPHeader(bytes)
        try checkSize(header.width, header.height)
        let rowBytes = (header.width * header.bits + 31) / 32 * 4
        var reader = ByteReader(bytes, format: "BMP", order: .littleEndian)
        try reader.move(to: header.pixelPlace)
        let stored = try reader.take(rowBytes * header.height)

        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * header.width * header.height)
        for y in 0..<header.height {
            let row = stored.startIndex + rowBytes * (header.isTopDown ? y : header.height - 1 - y)
            for x in 0..<header.width {
                if header.bits > 8 {
                    let pixel = row + x * header.bits / 8
                    for place in header.colorPlaces { pixels.append(stored[pixel + place]) }
                } else {
                    let bit = x * header.bits
                    let byte = Int(stored[row + bit / 8])
                    let index = byte >> (8 - header.bits - bit % 8) & (1 << header.bits - 1)
                    guard index < header.palette.count else {
                        throw .damaged(
                            "BMP", "the palette has \(header.palette.count) colours, and a pixel number \(index)")
                    }
                    let color = header.palette[index]
                    for channel in 0..<3 { pixels.append(color[channel]) }
                }
            }
        }
        return RGBImage(width: header.width, height: header.height, checkedPixels: pixels)
    }
}

/// What a BMP says before its pixels.
private struct BMPHeader {
    let width: Int, height: Int, bits: Int
    /// Rows come from the bottom up unless the height is negative.
    let isTopDown: Bool
    /// Where the pixels begin.
    let pixelPlace: Int
    /// Red, green and blue.
    private(set) var palette: [SIMD3<UInt8>] = []
    /// Which bytes of a pixel are red, green and blue.
    private(set) var colorPlaces = [2, 1, 0]

    init(_ bytes: [UInt8]) throws(DataError) {
        var reader = ByteReader(bytes, format: "BMP", order: .littleEndian, position: 10)
        pixelPlace = Int(try reader.integer(UInt32.self))
        let size = Int(try reader.integer(UInt32.self))
        var compression: UInt32 = 0, colors = 0
        if size == 12 {
            width = Int(try reader.integer(UInt16.self))
            height = Int(try reader.integer(UInt16.self))
            isTopDown = false
            _ = try reader.take(2)
            bits = Int(try reader.integer(UInt16.self))
        } else {
            guard [40, 52, 56, 64, 108, 124].contains(size) else {
                throw .damaged("BMP", "the header has \(size) bytes")
            }
            let signedWidth = Int32(bitPattern: try reader.integer()),
                signedHeight = Int32(bitPattern: try reader.integer())
            width = Int(signedWidth)
            height = abs(Int(signedHeight))
            isTopDown = signedHeight < 0
            _ = try reader.take(2)
            bits = Int(try reader.integer(UInt16.self))
            compression = try reader.integer()
            _ = try reader.take(12)
            colors = Int(try reader.integer(UInt32.self))
            _ = try reader.take(4)
        }
        guard width > 0, height > 0 else { throw .damaged("BMP", "it has \(width) x \(height) pixels") }
        switch (compression, bits) {
        case (0, 1), (0, 4), (0, 8):
            try reader.move(to: 14 + size)
            try readPalette(&reader, colors: colors, entryBytes: size == 12 ? 3 : 4)
        case (0, 24), (0, 32): break
        case (3, 32), (6, 32):
            try readMasks(&reader)
        case (1, _), (2, _): throw .unsupported("a BMP image with run-length compression")
        default: throw .unsupported("a BMP image of \(bits) bits a pixel, kind \(compression)")
        }
    }

    private mutating func readPalette(_ reader: inout ByteReader, colors: Int, entryBytes: Int) throws(DataError) {
        guard colors <= 1 << bits else {
            throw .damaged("BMP", "a palette of \(colors) colours for \(bits) bits a pixel")
        }
        for _ in 0..<(colors == 0 ? 1 << bits : colors) {
            let entry = Array(try reader.take(entryBytes))
            palette.append(SIMD3(entry[2], entry[1], entry[0]))
        }
    }

    /// Masks that choose a byte of the pixel for each colour.
    private mutating func readMasks(_ reader: inout ByteReader) throws(DataError) {
        colorPlaces = []
        for _ in 0..<3 {
            let mask = try reader.integer(UInt32.self)
            guard let place = (0..<4).first(where: { mask == 0xFF << UInt32(8 * $0) }) else {
                throw .unsupported("a BMP image whose colours are not whole bytes")
            }
            colorPlaces.append(place)
        }
    }
}
