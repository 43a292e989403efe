extension ImageDecoder {
    /// A DICOM image of one frame: grey ones are intensities, with the header's window; RGB and YBR_FULL are colours.
    ///
    /// Grey samples of up to 16 bits are rescaled by slope and intercept. They are seen through the header's first
    /// window, or without one its first table of values of interest. Without both, samples of up to 8 bits are seen
    /// from the smallest to the largest number that their bits can hold, and others from the smallest to the largest
    /// one that occurs.
    func decodeDICOM(_ bytes: [UInt8]) throws(DataError) -> ImageContent {
        let data = try DICOMDataSet(bytes)
        let image = try DICOMImage(data)
        try checkSize(image.width, image.height)
        guard let pixelData = data.pixelData else {
            throw .unsupported("a DICOM file without pixel data", advice: "Remove it, or export its image.")
        }
        if image.isGrey {
            let samples = try samples(pixelData, image, data.transferSyntax).map { image.value(ofStored: $0) }
            return .intensities(
                IntensityImage(
                    width: image.width, height: image.height, samples: samples,
                    meaning: .scale(try image.scale(data, samples))))
        }
        let (colors, isYBR) = try colors(pixelData, image, data.transferSyntax)
        return .levels(
            RGBImage(
                width: image.width, height: image.height, checkedPixels: isYBR ? Self.rgb(fromYBR: colors) : colors))
    }

    /// The samples as they are stored, those of a pixel side by side.
    private func samples(_ data: DICOMDataSet.PixelData, _ image: DICOMImage, _ syntax: DICOMTransferSyntax)
        throws(DataError) -> [UInt16]
    {
        switch (data, syntax) {
        case (.native(let bytes), .implicit), (.native(let bytes), .explicit): return try image.native(bytes)
        case (.encapsulated(let fragments), .runLength): return try image.runLength(Array(fragments.joined()))
        case (.encapsulated(let fragments), .jpegBaseline), (.encapsulated(let fragments), .jpegExtended),
            (.encapsulated(let fragments), .jpegLossless), (.encapsulated(let fragments), .jpegLosslessFirstOrder):
            let bytes = Array(fragments.joined())
            guard let header = JPEGHeader(bytes) else { throw .damaged("DICOM", "its JPEG has no header") }
            guard header.width == image.width, header.height == image.height,
                header.components.count == image.channels, header.precision <= image.bitsAllocated
            else { throw .damaged("DICOM", "its JPEG is of another size or depth than the header says") }
            if let kind = header.unreadKind { throw .unsupported("a DICOM image with \(kind)") }
            if header.isLossless { return try LosslessJPEG.decode(bytes, header) }
            let pixels = try decodeLossyJPEG(image.withColorTransform(bytes, header)).pixels
            return stride(from: 0, to: pixels.count, by: image.isGrey ? 3 : 1).map { UInt16(pixels[$0]) }
        default: throw .damaged("DICOM", "the pixel data are not stored as the transfer syntax says")
        }
    }

    /// Bytes of three colours, and whether they are still YBR.
    private func colors(_ data: DICOMDataSet.PixelData, _ image: DICOMImage, _ syntax: DICOMTransferSyntax)
        throws(DataError) -> ([UInt8], isYBR: Bool)
    {
        // The lossy JPEG's colours become RGB when it is decoded.
        let isLossy = syntax == .jpegBaseline || syntax == .jpegExtended
        let samples = try samples(data, image, syntax)
        return (samples.map { UInt8(truncatingIfNeeded: $0) }, image.photometric != "RGB" && !isLossy)
    }

    /// The colours of YBR_FULL (PS3.3, C.7.6.3.1.2).
    private static func rgb(fromYBR values: [UInt8]) -> [UInt8] {
        var rgb: [UInt8] = []
        rgb.reserveCapacity(values.count)
        for pixel in stride(from: 0, to: values.count, by: 3) {
            let y = Double(values[pixel]), blue = Double(values[pixel + 1]) - 128, red = Double(values[pixel + 2]) - 128
            for value in [
                y + 1.402 * red, y - 0.114 * 1.772 / 0.587 * blue - 0.299 * 1.402 / 0.587 * red, y + 1.772 * blue,
            ] {
                rgb.append(UInt8(min(max((value + 0.5).rounded(.down), 0), 255)))
            }
        }
        return rgb
    }
}

/// What the header of a DICOM image says of its pixels (PS3.3, C.7.6.3).
struct DICOMImage {
    let width: Int, height: Int
    /// 1 for grey and 3 for colours.
    let channels: Int
    let photometric: String
    let bitsAllocated: Int
    private let bitsStored: Int, highBit: Int
    private let isSigned: Bool, hasPlanes: Bool

    var isGrey: Bool { channels == 1 }

    /// Throws `unsupportedImage` for what is not read.
    init(_ data: DICOMDataSet) throws(DataError) {
        guard data.has(0x0028_0010) else {
            throw .unsupported("a DICOM file without an image", advice: "Remove it.")
        }
        func number(_ tag: DICOMDataSet.Tag, _ name: String) throws(DataError) -> Int {
            guard let number = try data.integer(tag) else { throw .damaged("DICOM", "the header has no \(name)") }
            return number
        }
        height = try number(0x0028_0010, "number of rows")
        width = try number(0x0028_0011, "number of columns")
        channels = try data.integer(0x0028_0002) ?? 1
        bitsAllocated = try number(0x0028_0100, "number of bits")
        bitsStored = try data.integer(0x0028_0101) ?? bitsAllocated
        highBit = try data.integer(0x0028_0102) ?? bitsStored - 1
        isSigned = try data.integer(0x0028_0103) == 1
        hasPlanes = try data.integer(0x0028_0006) == 1
        photometric = data.text(0x0028_0004) ?? "MONOCHROME2"
        guard width > 0, height > 0 else { throw .damaged("DICOM", "it has \(width) x \(height) pixels") }
        guard try data.decimal(0x0028_0008) ?? 1 == 1, !data.has(0x5200_9229), !data.has(0x5200_9230) else {
            throw .unsupported("a DICOM image of several frames", advice: "Store each frame in a file of its own.")
        }
        guard [8, 16].contains(bitsAllocated) else {
            throw .unsupported("a DICOM image with samples of \(bitsAllocated) bits")
        }
        guard (1...bitsAllocated).contains(bitsStored), (bitsStored - 1..<bitsAllocated).contains(highBit) else {
            throw .damaged("DICOM", "\(bitsStored) of \(bitsAllocated) bits up to the bit \(highBit)")
        }
        switch (photometric, channels) {
        case ("MONOCHROME1", 1), ("MONOCHROME2", 1): break
        case ("RGB", 3), ("YBR_FULL", 3), ("YBR_FULL_422", 3):
            let isJPEG = ![.implicit, .explicit, .runLength].contains(data.transferSyntax)
            guard bitsAllocated == 8, photometric != "YBR_FULL_422" || isJPEG else {
                throw .unsupported("a DICOM image in \(photometric) of \(bitsAllocated) bits a sample")
            }
        default: throw .unsupported("a DICOM image of \(channels) samples a pixel in \(photometric)")
        }
    }

    /// Samples that are stored one after the other.
    func native(_ bytes: ArraySlice<UInt8>) throws(DataError) -> [UInt16] {
        let pixels = width * height, count = pixels * channels
        guard bytes.count >= count * bitsAllocated / 8 else {
            throw .damaged("DICOM", "\(bytes.count) bytes for \(count) samples of \(bitsAllocated) bits")
        }
        return bytes.withUnsafeBytes { bytes in
            (0..<count).map { index in
                let place = hasPlanes ? index % channels * pixels + index / channels : index
                return bitsAllocated == 8
                    ? UInt16(bytes[place])
                    : UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self))
            }
        }
    }

    /// Samples in run-length encoding (PS3.5, annex G): a segment for each byte of each sample, the high byte first.
    func runLength(_ bytes: [UInt8]) throws(DataError) -> [UInt16] {
        let segments = channels * bitsAllocated / 8, pixels = width * height
        var reader = ByteReader(bytes, format: "DICOM", order: .littleEndian)
        guard try reader.integer(UInt32.self) == segments else {
            throw .damaged("DICOM", "another number of run-length segments than \(segments)")
        }
        var samples = [UInt16](repeating: 0, count: pixels * channels)
        for segment in 0..<segments {
            try reader.move(to: 4 + 4 * segment)
            try reader.move(to: Int(try reader.integer(UInt32.self)))
            let channel = segment / (bitsAllocated / 8)
            var pixel = 0
            func append(_ byte: UInt8) {
                // A segment may be padded.
                guard pixel < pixels else { return }
                samples[pixel * channels + channel] = samples[pixel * channels + channel] << 8 | UInt16(byte)
                pixel += 1
            }
            while pixel < pixels {
                let code = Int8(bitPattern: try reader.integer())
                if code >= 0 {
                    for byte in try reader.take(Int(code) + 1) { append(byte) }
                } else if code != -128 {
                    let byte: UInt8 = try reader.integer()
                    for _ in 0...(-Int(code)) { append(byte) }
                }
            }
        }
        return samples
    }

    /// A lossy JPEG that says itself which colours it has: where neither Adobe's nor the JFIF segment does, the
    /// header's word counts, and not the guess of the decoder.
    func withColorTransform(_ jpeg: [UInt8], _ header: JPEGHeader) -> [UInt8] {
        guard channels == 3, !header.isJFIF, header.adobeTransform == nil,
            !header.components.map(\.id).elementsEqual(Array("RGB".utf8))
        else { return jpeg }
        let segment: [UInt8] =
            [0xFF, 0xEE, 0, 14] + Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, photometric == "RGB" ? 0 : 1]
        return jpeg.prefix(2) + segment + jpeg.dropFirst(2)
    }

    /// The number that a stored sample holds, of a signed one the bit pattern in 16 bits.
    func value(ofStored sample: UInt16) -> UInt16 {
        let value = sample >> UInt16(highBit + 1 - bitsStored) & UInt16(truncatingIfNeeded: 1 << bitsStored - 1)
        let isNegative = isSigned && value >> UInt16(bitsStored - 1) == 1
        return isNegative ? value | UInt16(truncatingIfNeeded: -1 << bitsStored) : value
    }

    /// How the samples become intensities and levels.
    func scale(_ data: DICOMDataSet, _ samples: [UInt16]) throws(DataError) -> ScanScale {
        guard !data.has(0x0028_3000) else {
            throw .unsupported("a DICOM image with a modality table (0028,3000)")
        }
        let slope = try data.decimal(0x0028_1053) ?? 1, intercept = try data.decimal(0x0028_1052) ?? 0
        func scale(_ display: ScanScale.Display) -> ScanScale {
            ScanScale(
                isSigned: isSigned, slope: slope, intercept: intercept, isInverted: photometric == "MONOCHROME1",
                display: display)
        }
        if let center = try data.decimal(0x0028_1050), let width = try data.decimal(0x0028_1051) {
            let function = data.text(0x0028_1056) ?? "LINEAR"
            guard width >= 1 || width > 0 && function != "LINEAR" else {
                throw .damaged("DICOM", "a window of the width \(width)")
            }
            switch function {
            case "LINEAR": return scale(.linear(center: center, width: width))
            case "LINEAR_EXACT": return scale(.linearExact(center: center, width: width))
            case "SIGMOID": return scale(.sigmoid(center: center, width: width))
            default: throw .unsupported("a DICOM image with the window function \(function)")
            }
        }
        if let table = try DICOMTable(data, isSigned: isSigned) { return scale(.table(table)) }
        let ends: [UInt16]
        if bitsStored <= 8 {
            ends =
                isSigned
                ? [UInt16(truncatingIfNeeded: -1 << (bitsStored - 1)), UInt16(1 << (bitsStored - 1) - 1)]
                : [0, UInt16(1 << bitsStored - 1)]
        } else {
            let numbers = samples.map { isSigned ? Int(Int16(bitPattern: $0)) : Int($0) }
            ends = [numbers.min() ?? 0, numbers.max() ?? 0].map { UInt16(truncatingIfNeeded: $0) }
        }
        let whole = scale(.range(low: 0, high: 1))
        let intensities = ends.map(whole.intensity)
        return scale(.range(low: intensities.min() ?? 0, high: intensities.max() ?? 0))
    }
}
