import Foundation

/// Machine code in memory of this process that can be executed, and not written.
public final class LoadedCode: KernelLibrary, @unchecked Sendable {  // nothing changes once it is loaded
    private let start: UnsafeMutableRawPointer
    private let byteCount: Int
    private let functions: [String: Int]

    /// Copies an image into memory of its own. Throws `RuntimeError.outOfMemory` if the system does not give any that
    /// may be executed.
    public init(_ image: CodeImage) throws(RuntimeError) {
        let byteCount = max(1, image.bytes.count)
        let failure = RuntimeError(
            .outOfMemory, "the system gives no memory of \(byteCount) bytes whose content may be executed")
        let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { throw failure }
        image.bytes.withUnsafeBytes { bytes in
            if let content = bytes.baseAddress { mapped.copyMemory(from: content, byteCount: bytes.count) }
        }
        guard mprotect(mapped, byteCount, PROT_READ | PROT_EXEC) == 0 else {
            munmap(mapped, byteCount)
            throw failure
        }
        start = mapped
        self.byteCount = byteCount
        functions = image.functions.filter { image.bytes.indices.contains($0.value) }
    }

    deinit { munmap(start, byteCount) }

    /// Where a function begins. Throws `RuntimeError.name` if there is none of the name.
    public func address(of function: String) throws(RuntimeError) -> UnsafeRawPointer {
        guard let place = functions[function] else {
            throw RuntimeError(.name, "the code has no function '\(function)'")
        }
        return UnsafeRawPointer(start + place)
    }

    public func function(of symbol: String) throws -> KernelFunction {
        unsafeBitCast(try address(of: symbol), to: KernelFunction.self)
    }
}
