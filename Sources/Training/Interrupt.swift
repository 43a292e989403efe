import Foundation
import Synchronization

/// Lets a run end in order, with a checkpoint, when it is interrupted (Ctrl-C) or asked to terminate.
///
/// The first signal only raises a flag that the training loop looks at between steps; the second ends the
/// process at once.
public enum Interrupt {
    /// The signal that has come; 0 if none has.
    private static let received = Atomic<Int32>(0)

    /// Whether a signal has come since `install()`.
    public static var requested: Bool { signal != nil }

    /// The signal that has come since `install()`: SIGINT or SIGTERM.
    public static var signal: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Takes over SIGINT and SIGTERM until the first of them comes.
    public static func install() {
        received.store(0, ordering: .relaxed)  // makes it exist before a handler can need it
        var action = sigaction()
        // A handler may only do what is safe in the middle of anything: no memory, no locks.
        let handler: @convention(c) (Int32) -> Void = { number in
            Interrupt.received.store(number, ordering: .relaxed)
            Foundation.signal(SIGINT, SIG_DFL)
            Foundation.signal(SIGTERM, SIG_DFL)
        }
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
        action.sa_flags = SA_RESTART  // reads and writes under way go on
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
        // A process that was started by a thread which blocks signals blocks them too.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}
