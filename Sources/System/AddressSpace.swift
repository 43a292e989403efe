import Foundation

/// The address space of this process, which batch systems limit (`ulimit -v`). Memory that is asked for in small pieces
/// cannot fail in order, so there should be room before something begins that takes much of it.
public enum AddressSpace {
    /// Whether so many bytes more can be mapped now.
    public static func hasRoom(for byteCount: Int) -> Bool {
        let probe = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0)
        guard let probe, probe != MAP_FAILED else { return false }
        munmap(probe, byteCount)
        return true
    }

    /// Takes the code of the library that has this function out of this process's memory, until it is executed again:
    /// then the system maps it from its cache of files. Without effect where the system does not list its mappings as
    /// Linux does.
    public static func releaseCode(ofLibraryWith symbol: String) {
        guard let function = dlsym(nil, symbol), let mapping = code(at: UInt(bitPattern: function)) else { return }
        madvise(UnsafeMutableRawPointer(bitPattern: mapping.lowerBound), mapping.count, MADV_DONTNEED)
    }

    /// The addresses of the mapping with this one, if it is of code that nobody can have changed in memory: what the
    /// linker relocates lies in other mappings.
    private static func code(at address: UInt) -> Range<UInt>? {
        // In pieces: the system gives 4 KB a call, after which `String(contentsOfFile:)` takes a file of no size to
        // end.
        guard let bytes = try? FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd() else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 2), bounds = fields[0].split(separator: "-")
            guard
                bounds.count == 2, let lower = UInt(bounds[0], radix: 16), let upper = UInt(bounds[1], radix: 16),
                lower <= address, address < upper
            else { continue }
            return fields[1] == "r-xp" ? lower..<upper : nil
        }
        return nil
    }

    /// What to do where there is none.
    public static let advice = "raise the limit (ulimit -v, or the memory that the batch system gives)"
}
