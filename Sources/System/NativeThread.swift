import Foundation

/// Threads of the system, which may refuse them: a limit of tasks or of address space is no reason to hang or to die.
public enum NativeThread {
    /// Whether threads are refused to the task at hand, as a system at its limit refuses them: for tests.
    @TaskLocal package static var areRefused = false

    /// Starts a thread that runs `body` and then ends; false if the system does not give one, and `body` will not run.
    ///
    /// Foundation's threads do not tell whether they were started, and Dispatch waits for them for ever.
    public static func start(stackBytes: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) -> Bool {
        if areRefused { return false }
        let retained = Unmanaged.passRetained(Body(body))
        guard create(stackBytes, retained.toOpaque()) else {
            retained.release()
            return false
        }
        return true
    }

    private final class Body: Sendable {
        let call: @Sendable () -> Void

        init(_ call: @escaping @Sendable () -> Void) { self.call = call }
    }

    #if canImport(Darwin)
        private typealias Handle = pthread_t?
    #else
        private typealias Handle = pthread_t
    #endif

    private static func create(_ stackBytes: Int, _ body: UnsafeMutableRawPointer) -> Bool {
        // On the heap: Swift 6.3 crashes on the variables that would do.
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        let handle = UnsafeMutablePointer<Handle>.allocate(capacity: 1)
        defer {
            attributes.deallocate()
            handle.deallocate()
        }
        guard pthread_attr_init(attributes) == 0 else { return false }
        defer { pthread_attr_destroy(attributes) }
        return pthread_attr_setstacksize(attributes, stackBytes) == 0
            && pthread_attr_setdetachstate(attributes, numericCast(PTHREAD_CREATE_DETACHED)) == 0
            && pthread_create(handle, attributes, entry, body) == 0
    }

    #if canImport(Darwin)
        private static let entry: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { call($0) }
    #else
        private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            $0.flatMap { call($0) }
        }
    #endif

    private static func call(_ body: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<Body>.fromOpaque(body).takeRetainedValue().call()
        return nil
    }
}
