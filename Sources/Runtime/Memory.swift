import Foundation

/// Aligned memory for tensors, zeroed when it is made.
public final class Memory: @unchecked Sendable {
    /// Alignment of every tensor: a cache line, and the widest vector.
    public static let alignment = 64

    public let pointer: UnsafeMutableRawPointer
    public let byteCount: Int

    /// Throws `RuntimeError.outOfMemory` where the machine has not got that much.
    public init(byteCount: Int) throws(RuntimeError) {
        let rounded = max(Self.aligned(byteCount), Self.alignment)
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, rounded >= 1 << 21 ? 1 << 21 : Self.alignment, rounded) == 0, let memory else {
            throw RuntimeError(.outOfMemory, "\(byteCount) bytes for tensors cannot be had; use a smaller batch or a smaller model")
        }
        memset(memory, 0, rounded)
        pointer = memory
        self.byteCount = byteCount
    }

    deinit { free(pointer) }

    /// The next multiple of the alignment.
    package static func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}
