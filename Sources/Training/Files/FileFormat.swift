/// Names what a file is that holds no weights, by its bytes: a user who is told so knows what went wrong.
enum FileFormat {
    /// What a file is, and what to do with it; nil if its bytes do not tell.
    static func description(of bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.isEmpty { return "an empty file: what wrote or fetched it did not finish" }
        if let size = sizeBehindPointer(bytes) {
            return "a pointer of Git LFS to a file of \(size) bytes: fetch the file itself by git lfs pull"
        }
        if let known = signatures.first(where: { bytes.has($0.bytes, at: $0.place) }) { return known.what }
        if bytes.count >= 8, bytes.has(tableEnd, at: bytes.count - 8) { return "the index of a TensorFlow checkpoint" }
        if let pickle = pickle(bytes) ?? onnx(bytes) ?? text(bytes) { return pickle }
        if bytes.count >= 64, bytes.prefix(4096).allSatisfy({ $0 == 0 }) {
            return "nothing but zeros at its beginning: what wrote or fetched it did not finish"
        }
        return nil
    }

    /// The last sentence about a file that is neither a checkpoint of PyTorch nor of a format that goes by its name.
    static func unknown(_ bytes: UnsafeRawBufferPointer) -> String {
        let start = bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        return "neither a safetensors file nor a checkpoint of PyTorch; it begins with the bytes \(start)"
    }

    // MARK: Signatures

    private struct Signature {
        let bytes: [UInt8], place: Int, what: String

        init(_ bytes: [UInt8], at place: Int = 0, _ what: String) {
            (self.bytes, self.place, self.what) = (bytes, place, what)
        }

        init(_ text: String, at place: Int = 0, _ what: String) { self.init(Array(text.utf8), at: place, what) }
    }

    private static let signatures = [
        Signature([0x1F, 0x8B], "compressed by gzip: unpack it first, by gunzip or tar xzf"),
        Signature("BZh", "compressed by bzip2: unpack it first, by bunzip2 or tar xjf"),
        Signature([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed by xz: unpack it first, by unxz or tar xJf"),
        Signature([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd: unpack it first, by unzstd"),
        Signature([0x04, 0x22, 0x4D, 0x18], "compressed by lz4: unpack it first, by unlz4"),
        Signature([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive: unpack it first, by 7z x"),
        Signature("Rar!", "a RAR archive: unpack it first, by unrar x"),
        Signature("ustar", at: 257, "a tar archive: unpack it first, by tar xf"),
        Signature([0x50, 0x4B, 0x03, 0x04], "a zip archive, such as checkpoints of PyTorch are"),
        Signature([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file, as Keras and MATLAB write"),
        Signature([0x93] + Array("NUMPY".utf8), "an array of NumPy (.npy)"),
        Signature("TFL3", at: 4, "a model of TensorFlow Lite"),
        Signature("GGUF", "a GGUF file of llama.cpp"),
        Signature("MATLAB 5.0", "a MAT-file of MATLAB"),
        Signature("SQLite format 3", "a data base of SQLite"),
        Signature([0x7F] + Array("ELF".utf8), "a program or library (ELF)"),
        Signature([0x89] + Array("PNG".utf8), "an image (PNG)"), Signature([0xFF, 0xD8, 0xFF], "an image (JPEG)"),
        Signature("GIF8", "an image (GIF)"), Signature("WEBP", at: 8, "an image (WebP)"),
        Signature([0x49, 0x49, 0x2A, 0x00], "an image (TIFF)"), Signature([0x4D, 0x4D, 0x00, 0x2A], "an image (TIFF)"),
        Signature("DICM", at: 128, "an image (DICOM)"), Signature("%PDF", "a PDF document"),
    ]
    /// How tables of LevelDB end, in which TensorFlow keeps the index of a checkpoint.
    private static let tableEnd: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]

    private static func pickle(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]), bytes.last == UInt8(ascii: ".") else {
            return nil
        }
        return "a pickle that torch.save has not written; in Python, load it and save a state dict by torch.save"
    }

    /// The fields that a model of ONNX begins with: the version of the format, then the name of what made it, or the
    /// graph.
    private static func onnx(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count > 8, bytes[0] == 0x08, (1...32).contains(bytes[1]),
            bytes[2] == 0x12 && (1...64).contains(bytes[3]) || bytes[2] == 0x3A
        else { return nil }
        return "a model of ONNX"
    }

    // MARK: Texts

    /// The size that a pointer of Git LFS gives for its file.
    private static func sizeBehindPointer(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.has(Array("version https://git-lfs".utf8), at: 0) else { return nil }
        let lines = String(decoding: bytes.prefix(1024), as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix("size ") }.map { String($0.dropFirst(5).prefix(20)) } ?? "unknown"
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let text = readableText(bytes.prefix(4096)) else { return nil }
        let start = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        let lowercase = start.prefix(200).lowercased()
        if lowercase.hasPrefix("<!doctype html") || lowercase.hasPrefix("<html") {
            return "a web page (HTML): a download gave a page, such as a log-in or a warning, in place of the file"
        }
        if lowercase.hasPrefix("<") {
            return "a text in XML, such as a server's answer that there is no such file"
        }
        if start.contains("\"weight_map\"") {
            return "the index of a checkpoint in several files, and the weights lie in those; "
                + "name a file that holds all of them"
        }
        if start.first == "{" || start.first == "[" { return "a text in JSON" }
        let line = start.prefix { !$0.isNewline }
        return "a text that begins with \"\(TorchCheckpointError.shown(line.prefix(40)))\""
    }

    /// The text of bytes that are printable UTF-8; a character that the cut at the end has split does not count.
    private static func readableText(_ bytes: Slice<UnsafeRawBufferPointer>) -> String? {
        let isControl = { (byte: UInt8) in byte < 32 && !(9...13).contains(byte) || byte == 127 }
        guard bytes.count >= 4, !bytes.contains(where: isControl) else { return nil }
        return (0..<4).lazy.compactMap { String(validating: bytes.dropLast($0), as: UTF8.self) }.first
    }
}

extension UnsafeRawBufferPointer {
    /// Whether some bytes are at a place.
    fileprivate func has(_ wanted: [UInt8], at place: Int) -> Bool {
        place + wanted.count <= count && self[place..<place + wanted.count].elementsEqual(wanted)
    }
}
