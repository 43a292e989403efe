import ApusTraining
import Foundation
import Testing

/// Each signal is sent to a process of its own, whose way of ending tells what it did.
@Suite struct InterruptTests {
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func theFirstSignalRaisesTheFlag(signal: Int32) async {
        await #expect(processExitsWith: .exitCode(42)) { [signal = signal as Int32] in
            Interrupt.install()
            let before = Interrupt.requested
            kill(getpid(), signal)
            exit(!before && waitForRequest() ? 42 : 1)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func theSecondSignalEndsTheProcess(first: Int32) async {
        await #expect(processExitsWith: .signal(SIGINT)) { [first = first as Int32] in
            Interrupt.install()
            kill(getpid(), first)
            guard waitForRequest() else { exit(1) }
            kill(getpid(), SIGINT)
            sleep(10)
            exit(2)
        }
    }

    /// As nohup leaves it; also after another signal has come.
    @Test func aHangUpThatIsIgnoredStaysSo() async {
        await #expect(processExitsWith: .exitCode(42)) {
            signal(SIGHUP, SIG_IGN)
            Interrupt.install()
            raise(SIGHUP)
            let before = Interrupt.requested
            kill(getpid(), SIGTERM)
            guard !before, waitForRequest() else { exit(1) }
            raise(SIGHUP)
            exit(Interrupt.signal == SIGTERM ? 42 : 2)
        }
    }
}

/// The system delivers a signal to whichever thread takes it, so its handler can run a moment later.
private func waitForRequest() -> Bool {
    for _ in 0..<10_000 where !Interrupt.requested { usleep(1000) }
    return Interrupt.requested
}
