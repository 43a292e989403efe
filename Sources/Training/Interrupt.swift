import Foundation
import Synchronization

/// Lets a run end in order, with a checkpoint, when it is interrupted (Ctrl-C) or asked to terminate.
///
/// The first signal only raises a flag that the training loop looks at between steps; the second ends the
/// process at once.
public enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    /// Whether a signal has come since `install()`.
    public static var requested: Bool { flag.load(ordering: .relaxed) }

    /// Takes over SIGINT and SIGTERM until the first of them comes.
    public static func install() {
        flag.store(false, ordering: .relaxed)  // makes the flag exist before a handler can need it
        var action = sigaction()
        // A handler may only do what is safe in the middle of anything: no memory, no locks.
        let handler: @convention(c) (Int32) -> Void = { _ in
            Interrupt.flag.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
            signal(SIGTERM, SIG_DFL)
        }
        #if canImport(Darwin)
        action.__sigaction_u.__sa_handler = handler
        #else
        action.__sigaction_handler.sa_handler = handler
        #endif
        action.sa_flags = SA_RESTART  // reads and writes under way go on
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
    }
}
