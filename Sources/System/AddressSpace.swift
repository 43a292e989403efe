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

    /// What to do where there is none.
    public static let advice = "raise the limit (ulimit -v, or the memory that the batch system gives)"
}
