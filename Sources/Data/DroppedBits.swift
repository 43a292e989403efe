import ApusFiles
import ApusSystem
import Foundation

/// Scans with 16 bits whose lower 8 bits are dropped, since no window chooses what to see of them.
enum DroppedBits {
    /// One line that counts such images and names one; nil if there are none, or a window is set.
    static func remark(_ paths: [String], in root: String, _ decoder: ImageDecoder, threads: Int) -> String? {
        guard decoder.window == nil else { return nil }
        let looks = OrderedPrefetch<Bool>(0..<paths.count, threads: threads, ahead: paths.count) {
            isGreyOf16Bits(paths[$0])
        }
        var deep: [Int] = [], place = 0
        while let isDeep = looks.next() {
            if isDeep { deep.append(place) }
            place += 1
        }
        return deep.first.map { first in
            "\(deep.count) of \(paths.count) images in \(root.inOneLine) are grey with 16 bits, of which the lower 8 are"
                + " dropped, such as \(paths[first].below(root).inOneLine); set a window of intensities"
                + " (--window LOW,HIGH) to see them all"
        }
    }

    /// Whether a file is a grey PNG of 16 bits, with or without transparency, or such a TIFF, as its header says.
    private static func isGreyOf16Bits(_ path: String) -> Bool {
        guard let file = try? MappedFile(contentsOf: path) else { return false }
        return file.withBytes { bytes in
            switch ImageFormat(bytes) {
            case .png: bytes.count > 25 && bytes[24] == 16 && [0, 4].contains(bytes[25])
            case .tiff: ImageDecoder.isGreyTIFFOf16Bits(bytes)
            default: false
            }
        }
    }
}
