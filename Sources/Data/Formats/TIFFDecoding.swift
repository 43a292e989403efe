import CImageCodecs

extension ImageDecoder {
    /// A TIFF of one page, turned upright as its header says; grey ones of 16 bits are intensities, signed ones with 0
    /// at 32768.
    func decodeTIFF(_ bytes: [UInt8]) throws(DataError) -> ImageContent {
        try bytes.withUnsafeBufferPointer { (bytes) throws(DataError) in
            var layout = apus_tiff_layout()
            var opened: OpaquePointer?
            try call("TIFF") { message in
                opened = apus_tiff_open(bytes.baseAddress, bytes.count, &layout, message)
                return opened == nil ? -1 : 0
            }
            guard let opened else { throw .damaged("TIFF", "it cannot be opened") }
            defer { apus_tiff_close(opened) }
            let (width, height) = (Int(layout.size.width), Int(layout.size.height))
            guard width > 0, height > 0 else { throw .damaged("TIFF", "it has \(width) x \(height) pixels") }
            let kind = try TIFFKind(layout)
            try checkSize(width, height)
            try checkSize(Int(layout.block_width), Int(layout.block_height))
            return try content(TIFFPage(file: opened, layout: layout, decoder: self), kind)
        }
    }

    /// Whether a TIFF is grey and of 16 bits, as its header says.
    static func isGreyTIFFOf16Bits(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var layout = apus_tiff_layout(), message = [CChar](repeating: 0, count: Int(APUS_MESSAGE_SIZE))
        guard
            let file = apus_tiff_open(
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &layout, &message)
        else { return false }
        defer { apus_tiff_close(file) }
        return (try? TIFFKind(layout)) == .grey && layout.bits == 16
    }

    private func content(_ page: TIFFPage, _ kind: TIFFKind) throws(DataError) -> ImageContent {
        let layout = page.layout
        let (width, height) = page.uprightSize
        if kind == .grey && layout.bits == 16 {
            // Signed samples are moved, white at 0 is turned to black.
            let flip = (layout.sample_format == 2 ? 0x8000 : 0) ^ (layout.photometric == 0 ? 0xFFFF : 0) as UInt16
            let samples = try page.samples(channels: 1) { $0 ^ flip }
            return .intensities(IntensityImage(width: width, height: height, samples: samples, meaning: .offset))
        }
        let hasAlpha = layout.alpha_is_multiplied != 0
        let bits = Int(layout.bits), flip = UInt16(layout.photometric == 0 ? 255 : 0)
        let scale = kind == .palette || bits >= 8 ? 1 : UInt16(255 / (1 << bits - 1))
        var channels = try page.samples(channels: kind.channels + (hasAlpha ? 1 : 0)) { sample -> UInt8 in
            UInt8(truncatingIfNeeded: bits == 16 ? sample >> 8 : sample * scale ^ flip)
        }
        if hasAlpha { channels = Self.divided(channels, channels: kind.channels) }
        let pixels: [UInt8]
        switch kind {
        case .rgb: pixels = channels
        case .grey: pixels = channels.flatMap { [$0, $0, $0] }
        case .cmyk: pixels = Self.rgb(fromInvertedCMYK: channels.map { 255 - $0 })
        case .palette: pixels = try page.colors(channels)
        }
        return .levels(RGBImage(width: width, height: height, checkedPixels: pixels))
    }

    /// Colours that were multiplied by an alpha behind them, without it, as Pillow divides them.
    private static func divided(_ values: [UInt8], channels: Int) -> [UInt8] {
        var divided: [UInt8] = []
        divided.reserveCapacity(values.count / (channels + 1) * channels)
        for pixel in stride(from: 0, to: values.count, by: channels + 1) {
            let alpha = Int(values[pixel + channels])
            for channel in 0..<channels {
                let value = values[pixel + channel]
                divided.append(alpha == 0 ? value : UInt8(min(255, 255 * Int(value) / alpha)))
            }
        }
        return divided
    }
}

/// What the samples of a TIFF mean.
private enum TIFFKind {
    case grey, rgb, palette, cmyk

    var channels: Int {
        switch self {
        case .grey, .palette: 1
        case .rgb: 3
        case .cmyk: 4
        }
    }

    /// Throws `unsupportedImage` for what is not read.
    init(_ layout: apus_tiff_layout) throws(DataError) {
        let bits = Int(layout.bits)
        guard layout.is_only_page != 0 else {
            throw .unsupported("a TIFF file of several pages", advice: "Store each page in a file of its own.")
        }
        guard layout.is_configured != 0 else {
            throw .unsupported("a TIFF image in the compression number \(layout.compression)")
        }
        switch layout.photometric {
        case 0, 1: self = .grey
        case 2: self = .rgb
        case 3: self = .palette
        case 5: self = .cmyk
        case 6: throw .unsupported("a TIFF image in YCbCr without JPEG compression")
        case 8, 9, 10: throw .unsupported("a TIFF image in the colour space L*a*b*")
        case 32803: throw .unsupported("a TIFF image of a camera's raw sensor")
        default: throw .unsupported("a TIFF image of the photometric interpretation \(layout.photometric)")
        }
        guard [1, 4].contains(layout.sample_format) || layout.sample_format == 2 && self == .grey && bits == 16 else {
            let numbers = layout.sample_format == 3 ? "floating-point numbers" : "signed or complex numbers"
            throw .unsupported(
                "a TIFF image of \(numbers) of \(bits) bits", advice: "Convert it to 16 bits, or remove it.")
        }
        let allowed =
            switch self {
            case .grey: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .cmyk: [8, 16]
            }
        guard allowed.contains(bits) else { throw .unsupported("a TIFF image with samples of \(bits) bits") }
        if layout.alpha_is_multiplied != 0, bits < 8 || self == .grey && bits == 16 || self == .palette || self == .cmyk
        {
            throw .unsupported("a TIFF image of \(bits) bits that is multiplied by its transparency")
        }
        guard Int(layout.samples) >= channels + (layout.alpha_is_multiplied != 0 ? 1 : 0) else {
            throw .damaged("TIFF", "\(layout.samples) samples a pixel")
        }
    }
}

/// A page whose samples are read block by block.
private struct TIFFPage {
    let file: OpaquePointer
    let layout: apus_tiff_layout
    let decoder: ImageDecoder

    /// Width and height after turning.
    var uprightSize: (width: Int, height: Int) {
        let (width, height) = (Int(layout.size.width), Int(layout.size.height))
        return (5...8).contains(layout.orientation) ? (height, width) : (width, height)
    }

    /// The first `channels` samples of each pixel, row-major and upright.
    func samples<T: FixedWidthInteger>(channels: Int, _ convert: (UInt16) -> T) throws(DataError) -> [T] {
        let (width, height) = (Int(layout.size.width), Int(layout.size.height))
        let (blockWidth, blockHeight) = (Int(layout.block_width), Int(layout.block_height))
        let bits = Int(layout.bits), hasPlanes = layout.has_planes != 0
        let step = hasPlanes ? 1 : Int(layout.samples)
        let rowBytes = Int(clamping: layout.row_bytes)
        guard blockWidth > 0, blockHeight > 0, rowBytes == (blockWidth * step * bits + 7) / 8 else {
            throw .damaged("TIFF", "rows of \(rowBytes) bytes")
        }
        let (room, overflows) = rowBytes.multipliedReportingOverflow(by: blockHeight)
        guard !overflows, room <= FileAccess.largestFile else {
            throw .unsupported("a TIFF image in parts of more than \(FileAccess.largestFile) bytes")
        }
        var block = [UInt8](repeating: 0, count: room)
        var samples = [T](repeating: 0, count: width * height * channels)
        let place = Self.places(layout.orientation, width: width, height: height)
        for top in stride(from: 0, to: height, by: blockHeight) {
            let rows = min(blockHeight, height - top)
            for left in stride(from: 0, to: width, by: blockWidth) {
                for plane in 0..<(hasPlanes ? channels : 1) {
                    // The last strip has only the rows that are left.
                    let count = rowBytes * (layout.is_tiled != 0 ? blockHeight : rows)
                    try decoder.call("TIFF") { message in
                        block.withUnsafeMutableBufferPointer {
                            apus_tiff_read(
                                file, UInt32(left), UInt32(top), UInt16(plane), $0.baseAddress, count, message)
                        }
                    }
                    block.withUnsafeBytes { block in
                        for y in 0..<rows {
                            for x in 0..<min(blockWidth, width - left) {
                                let target = place(left + x, top + y) * channels
                                for channel in 0..<(hasPlanes ? 1 : channels) {
                                    let sample = Self.sample(block, y * rowBytes, x * step + channel, bits)
                                    samples[target + (hasPlanes ? plane : channel)] = convert(sample)
                                }
                            }
                        }
                    }
                }
            }
        }
        return samples
    }

    /// The sample number `index` of a row.
    private static func sample(_ block: UnsafeRawBufferPointer, _ row: Int, _ index: Int, _ bits: Int) -> UInt16 {
        switch bits {
        case 16: return block.loadUnaligned(fromByteOffset: row + 2 * index, as: UInt16.self)
        case 8: return UInt16(block[row + index])
        default:
            let bit = index * bits
            return UInt16(block[row + bit / 8] >> (8 - bits - bit % 8)) & (1 << bits - 1)
        }
    }

    /// Where a stored pixel lies in the upright image; the numbers are those of TIFF and EXIF.
    private static func places(_ orientation: UInt16, width: Int, height: Int) -> (_ x: Int, _ y: Int) -> Int {
        switch orientation {
        case 2: { x, y in y * width + width - 1 - x }
        case 3: { x, y in (height - 1 - y) * width + width - 1 - x }
        case 4: { x, y in (height - 1 - y) * width + x }
        case 5: { x, y in x * height + y }
        case 6: { x, y in x * height + height - 1 - y }
        case 7: { x, y in (width - 1 - x) * height + height - 1 - y }
        case 8: { x, y in (width - 1 - x) * height + y }
        default: { x, y in y * width + x }
        }
    }

    /// The colours that indices stand for.
    func colors(_ indices: [UInt8]) throws(DataError) -> [UInt8] {
        guard let red = layout.palette.0, let green = layout.palette.1, let blue = layout.palette.2 else {
            throw .damaged("TIFF", "the palette is missing")
        }
        // Each has 2^bits entries of 16 bits.
        return indices.flatMap { index in [red, green, blue].map { UInt8($0[Int(index)] >> 8) } }
    }
}
