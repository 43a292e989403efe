/// What a file is, told from its first bytes.
enum ImageFormat {
    case png, jpeg, tiff, webp, bmp, dicom

    /// The format of a file that is read; nil for others.
    init?(_ bytes: some Collection<UInt8>) {
        func begins(_ text: [UInt8], at place: Int = 0) -> Bool { bytes.dropFirst(place).starts(with: text) }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if begins([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins([0x49, 0x49, 42, 0]) || begins([0x4D, 0x4D, 0, 42]) || begins([0x49, 0x49, 43, 0])
            || begins([0x4D, 0x4D, 0, 43])
        {
            self = .tiff
        } else if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) {
            self = .webp
        } else if begins(Array("BM".utf8)) {
            self = .bmp
        } else if DICOMDataSet.begins(bytes) {
            self = .dicom
        } else {
            return nil
        }
    }

    /// What a file is that is not read; nil where that cannot be told.
    static func nameOfUnread(_ bytes: [UInt8]) -> String? {
        unread.first { bytes.dropFirst($0.place).starts(with: $0.text.unicodeScalars.map { UInt8($0.value) }) }?.name
    }

    /// First bytes, as Latin-1, of what lies among images.
    private static let unread: [(text: String, place: Int, name: String)] = [
        ("GIF8", 0, "a GIF image"),
        ("\0\0\0\u{C}jP  ", 0, "a JPEG 2000 image"),
        ("\u{FF}O\u{FF}Q", 0, "a JPEG 2000 image"),
        ("\0\0\0\u{C}JXL ", 0, "a JPEG XL image"),
        ("\u{FF}\u{A}", 0, "a JPEG XL image"),
        ("ftypavif", 4, "an AVIF image"),
        ("ftyphei", 4, "a HEIC image"),
        ("ftypmif1", 4, "a HEIC image"),
        ("8BPS", 0, "a Photoshop document"),
        ("n+1\0", 344, "a NIfTI volume"),
        ("NRRD", 0, "an NRRD volume"),
        ("ObjectType", 0, "a MetaImage volume"),
        ("\u{93}NUMPY", 0, "an array of NumPy"),
        ("\u{89}HDF", 0, "an HDF5 file"),
        ("%PDF", 0, "a PDF document"),
        ("\u{1F}\u{8B}", 0, "a gzip archive"),
        ("PK\u{3}\u{4}", 0, "a zip archive"),
        ("version https://git-lfs", 0, "a pointer of Git LFS, not the file itself"),
        ("<!DOCTYPE html", 0, "a web page"),
        ("<html", 0, "a web page"),
    ]
}

extension DataError {
    /// A file whose bytes are not what its format asks for.
    static func damaged(_ format: String, _ reason: String) -> DataError {
        DataError(
            .corruptImage, "the \(format) image is damaged or incomplete (\(reason))",
            advice: "Fetch the file again, or remove it.")
    }

    /// A sound file of a kind that is not read; `what` has its article.
    static func unsupported(_ what: String, advice: String = "Convert it to PNG, or remove it.") -> DataError {
        DataError(.unsupportedImage, "\(what), which is not read", advice: advice)
    }
}
