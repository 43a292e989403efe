import Foundation
import Synchronization

/// Lets a command end in order, a run with a checkpoint, when it is interrupted (Ctrl-C), asked to terminate, or loses
/// its terminal.
///
/// The first signal only raises a flag that loops look at, that of training between steps; the second ends the process
/// at once.
public enum Interrupt {
    /// The signal that has come; 0 if none has.
    private static let received = Atomic<Int32>(0)

    /// Whether a signal has come since `install()`.
    public static var requested: Bool { signal != nil }

    /// The signal that has come since `install()`: SIGINT, SIGTERM or SIGHUP.
    public static var signal: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Takes over SIGINT, SIGTERM and SIGHUP until the first of them comes; a SIGHUP that is ignored, as under nohup,
    /// stays so.
    public static func install() {
        received.store(0, ordering: .relaxed)  // makes it exist before a handler can need it
        var action = sigaction()
        // A handler may only do what is safe in the middle of anything: no memory, no locks.
        let handler: @convention(c) (Int32) -> Void = { number in
            Interrupt.received.store(number, ordering: .relaxed)
            Interrupt.endAtOnce(SIGINT)
            Interrupt.endAtOnce(SIGTERM)
            Interrupt.endAtOnce(SIGHUP)
        }
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
        action.sa_flags = SA_RESTART  // reads and writes under way go on
        // A process that was started by a thread which blocks signals blocks them too.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(number) {
            sigaction(number, &action, nil)
            sigaddset(&signals, number)
        }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Gives a signal back its own way of ending the process, unless it is ignored.
    private static func endAtOnce(_ number: Int32) {
        if !isIgnored(number) { Foundation.signal(number, SIG_DFL) }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
