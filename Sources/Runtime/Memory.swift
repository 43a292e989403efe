import Foundation

/// Aligned memory for tensors, all zeros when it is made.
public final class Memory: @unchecked Sendable {
    /// Alignment of every tensor: a cache line, and the widest vector.
    public static let alignment = 64

    public let pointer: UnsafeMutableRawPointer
    public let byteCount: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappingBytes: Int

    /// Size and alignment of large pages, with which processors find their way through large tensors faster.
    private static let largePage = 2 << 20

    /// Maps memory; pages are taken from the machine when they are first touched.
    ///
    /// Throws `RuntimeError.outOfMemory` for more than the machine has.
    public init(byteCount: Int) throws(RuntimeError) {
        let failure = RuntimeError(
            .outOfMemory, "\(byteCount) bytes for tensors cannot be had; use a smaller batch or a smaller model")
        guard byteCount >= 0, byteCount <= ProcessInfo.processInfo.physicalMemory else { throw failure }
        // Room to begin at a large page, so that the memory consists of as many of them as possible.
        let slack = byteCount >= Self.largePage ? Self.largePage : 0
        mappingBytes = max(Self.aligned(byteCount), Self.alignment) + slack
        let mapped = mmap(nil, mappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { throw failure }
        mapping = mapped
        pointer = slack > 0 ? mapped.alignedUp(toMultipleOf: Self.largePage) : mapped
        self.byteCount = byteCount
        #if os(Linux)
            if slack > 0 { madvise(pointer, byteCount, MADV_HUGEPAGE) }
        #endif
    }

    deinit { munmap(mapping, mappingBytes) }

    /// Gives what was freed back to the machine: a compilation takes much memory, which is not needed while its program
    /// runs.
    package static func returnUnused() {
        // Of the C library of GNU; others do not have the function, or do so by themselves.
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
    }

    /// The next multiple of the alignment; of more than any memory, as much as there can be.
    package static func aligned(_ byteCount: Int) -> Int {
        byteCount > .max - alignment
            ? .max / alignment * alignment : (byteCount + alignment - 1) / alignment * alignment
    }
}
