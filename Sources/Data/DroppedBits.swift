import ApusFiles
import Foundation

/// Scans with 16 bits whose lower 8 bits are dropped, since no window chooses what to see of them.
enum DroppedBits {
    /// One line that counts such images and names one; nil if there are none, or a window is set.
    static func remark(_ paths: [String], in root: String, _ decoder: ImageDecoder, threads: Int) -> String? {
        guard decoder.window == nil else { return nil }
        let looks = OrderedPrefetch<Bool>(0..<paths.count, threads: threads, ahead: paths.count) {
            isGrey16PNG(paths[$0])
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

    /// Whether a file begins as a grey PNG of 16 bits, with or without transparency.
    private static func isGrey16PNG(_ path: String) -> Bool {
        let file = open(path.systemName, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return false }
        defer { close(file) }
        var header = [UInt8](repeating: 0, count: 26)
        guard read(file, &header, header.count) == header.count else { return false }
        return header.starts(with: [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A]) && header[24] == 16
            && [0, 4].contains(header[25])
    }
}
