import ApusSystem
import CRuntime
import Foundation

/// Aligned memory for tensors, all zeros when it is made.
public final class Memory: @unchecked Sendable {
    /// Alignment of every tensor: a cache line, and the widest vector.
    public static let alignment = Int(APUS_TENSOR_ALIGNMENT)

    /// The first byte.
    public let pointer: UnsafeMutableRawPointer
    /// How many bytes there are.
    public let byteCount: Int
    /// Whether the memory that is made lies between pages that nobody may touch, so that whoever reads or writes beyond
    /// it is ended: for tests of generated code.
    @TaskLocal package static var isGuarded = false
    /// Bytes of a page.
    package static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    private let mapping: UnsafeMutableRawPointer
    private let mappingBytes: Int

    /// Address space that has to be left for all that is no tensor: images, text, code.
    private static let roomForOthers = 64 << 20

    /// Maps memory; pages are taken from the machine when they are first touched.
    ///
    /// Throws `RuntimeError.outOfMemory` for more than the machine has.
    public init(byteCount: Int) throws(RuntimeError) {
        let problem = "\(byteCount) bytes for tensors cannot be had; use a smaller batch or a smaller model"
        guard byteCount >= 0, byteCount <= ProcessInfo.processInfo.physicalMemory else {
            throw RuntimeError(.outOfMemory, problem)
        }
        let failure = RuntimeError(.outOfMemory, "\(problem), or \(AddressSpace.advice)")
        if Self.isGuarded {
            (mapping, mappingBytes, pointer) = try Self.guarded(byteCount, failure)
            self.byteCount = byteCount
            return
        }
        var memory = apus_memory()
        guard apus_memory_map(byteCount, &memory) == 1 else { throw failure }
        guard AddressSpace.hasRoom(for: Self.roomForOthers) else {
            apus_memory_unmap(&memory)
            throw failure
        }
        (mapping, mappingBytes, pointer) = (memory.mapping, memory.mapping_bytes, memory.start)
        self.byteCount = byteCount
    }

    /// The content of an open file; what is written to it stays in this process. Throws `RuntimeError.outOfMemory` if
    /// the system does not map it.
    init(contentOf descriptor: Int32, byteCount: Int) throws(RuntimeError) {
        mappingBytes = max(1, byteCount)
        let mapped = mmap(nil, mappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            throw RuntimeError(.outOfMemory, "a file of \(byteCount) bytes cannot be mapped into memory")
        }
        (mapping, pointer) = (mapped, mapped)
        self.byteCount = byteCount
    }

    deinit { munmap(mapping, mappingBytes) }

    /// Memory that ends where the page behind it begins.
    private static func guarded(_ byteCount: Int, _ failure: RuntimeError) throws(RuntimeError) -> (
        mapping: UnsafeMutableRawPointer, byteCount: Int, content: UnsafeMutableRawPointer
    ) {
        let content = max(aligned(byteCount), alignment), pages = (content + pageBytes - 1) / pageBytes
        let total = (pages + 2) * pageBytes
        let mapped = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { throw failure }
        let end = mapped + (pages + 1) * pageBytes
        mprotect(mapped, pageBytes, PROT_NONE)
        mprotect(end, pageBytes, PROT_NONE)
        return (mapped, total, end - content)
    }

    /// Fills the memory with what is NaN in every floating-point type, -1 in every integer type, and no bool.
    package func poison() { memset(pointer, 0xFF, byteCount) }

    /// Lets nobody touch the pages that begin at some places any more; without effect where a page does not begin
    /// there.
    package func guardPages(at byteOffsets: [Int]) {
        for offset in byteOffsets { mprotect(pointer + offset, Self.pageBytes, PROT_NONE) }
    }

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
