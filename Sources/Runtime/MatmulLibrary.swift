import ApusSystem
import Foundation
import Synchronization

/// OpenBLAS, which computes matmuls in f32 that are not generated. It is loaded when it is first asked for: a program
/// that needs none of it needs neither the library nor its memory.
public final class MatmulLibrary: Sendable {
    /// Its version, how it was built, and the processor that it computes for.
    public let description: String
    let multiply: MultiplyFunction
    private let takeBuffer: TakeBuffer?
    private let returnBuffer: ReturnBuffer?
    /// Threads whose buffers the library has.
    private let buffers = Mutex(0)

    /// `cblas_sgemm`: order, transpositions of A and B, m, n, k, α, A and its leading dimension, B, β, C.
    typealias MultiplyFunction =
        @convention(c) (
            _ order: CInt, _ transposeA: CInt, _ transposeB: CInt, _ m: CInt, _ n: CInt, _ k: CInt, _ alpha: Float,
            _ a: UnsafePointer<Float>, _ lda: CInt, _ b: UnsafePointer<Float>, _ ldb: CInt, _ beta: Float,
            _ c: UnsafeMutablePointer<Float>, _ ldc: CInt
        ) -> Void
    private typealias TakeBuffer = @convention(c) (CInt) -> UnsafeMutableRawPointer?
    private typealias ReturnBuffer = @convention(c) (UnsafeMutableRawPointer?) -> Void

    private static let loaded = Result { () throws(RuntimeError) in try MatmulLibrary() }

    /// The library of this process. Throws if it is not installed, or if there is no room for it.
    public static func shared() throws(RuntimeError) -> MatmulLibrary { try loaded.get() }

    /// Whether the library can be used on as many threads as there are processors.
    public static let isAvailable: Bool = {
        do {
            try shared().reserve(threads: Processors.available)
            return true
        } catch {
            return false
        }
    }()

    #if canImport(Darwin)
        private static let paths = [
            "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
            "/usr/local/opt/openblas/lib/libopenblas.dylib",
        ]
    #else
        private static let paths = ["libopenblas.so.0", "libopenblas.so"]
    #endif

    private init() throws(RuntimeError) {
        // The pool divides the work. Threads of the library's own would be started, with a buffer each, as it is
        // loaded.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        var handle: UnsafeMutableRawPointer?
        var reason = ""
        for path in Self.paths where handle == nil {
            handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)
            if handle == nil, reason.isEmpty { reason = dlerror().map { String(cString: $0) } ?? "" }
        }
        guard let handle, let multiply = dlsym(handle, "cblas_sgemm") else {
            throw RuntimeError(
                .library,
                "OpenBLAS cannot be loaded (\(reason)); install it (Debian's libopenblas0), or let all matmuls be generated: "
                    + "--products generated")
        }
        self.multiply = unsafeBitCast(multiply, to: MultiplyFunction.self)
        takeBuffer = dlsym(handle, "blas_memory_alloc").map { unsafeBitCast($0, to: TakeBuffer.self) }
        returnBuffer = dlsym(handle, "blas_memory_free").map { unsafeBitCast($0, to: ReturnBuffer.self) }
        let configuration = dlsym(handle, "openblas_get_config").map {
            unsafeBitCast($0, to: (@convention(c) () -> UnsafePointer<CChar>?).self)()
        }
        description = configuration?.map { String(cString: $0) } ?? "an unknown version"
    }

    /// What one thread's buffer takes of the address space: `BUFFER_SIZE` on processors of 64 bits.
    private static let bufferBytes = 128 << 20
    /// What has to be left for all else.
    private static let roomForOthers = 256 << 20

    /// Lets the library have its buffers for so many threads at once.
    ///
    /// Versions up to 0.3.29 ask for a buffer again and again where the system gives none (a limit of address space,
    /// as batch systems set it), so that is asked for here, where it can fail. The buffers stay the library's.
    /// Reference: OpenBLAS, issue 5289.
    func reserve(threads: Int) throws(RuntimeError) {
        guard let takeBuffer, let returnBuffer else { return }
        try buffers.withLock { (buffers) throws(RuntimeError) in
            guard threads > buffers else { return }
            // Those that it has are taken first.
            let byteCount = (threads - buffers) * Self.bufferBytes
            guard AddressSpace.hasRoom(for: byteCount + Self.roomForOthers) else {
                throw RuntimeError(
                    .outOfMemory,
                    "OpenBLAS needs \(byteCount) bytes of address space for \(threads) threads, which the system does not "
                        + "give; \(AddressSpace.advice), use fewer threads, or let all matmuls be generated: "
                        + "--products generated")
            }
            let taken = (0..<threads).map { _ in takeBuffer(0) }
            for buffer in taken { returnBuffer(buffer) }
            buffers = threads
        }
    }
}
