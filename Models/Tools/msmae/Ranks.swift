import Apus
import ApusMPI
import ArgumentParser
import Foundation

/// A command that several processes run together, each on its part of the data; others are for one process alone.
protocol RankedCommand {}

/// The processes that mpirun or srun has started this program as.
enum Ranks {
    /// Seconds that a rank which has failed waits for the others to come to their end in order, with a checkpoint.
    private static let patience = 10.0
    /// Seconds that the first rank may take to evaluate and write what all have trained.
    private static let longest = 86400.0

    /// This rank's connection to the others; nil if it is alone. Throws ``MPIError`` where there are others and this build
    /// has no MPI.
    static func join() throws -> MPICommunicator? {
        guard let processes = MPICommunicator.launchedProcesses, processes > 1 else { return nil }
        let communicator = try MPICommunicator.world()
        rank = communicator.rank
        return communicator
    }

    /// Which rank this is, once it has joined the others.
    nonisolated(unsafe) private(set) static var rank: Int?

    /// Throws if several processes were started of a command that is for one.
    static func check(_ command: any ParsableCommand) throws {
        guard let processes = MPICommunicator.launchedProcesses, processes > 1, !(command is any RankedCommand) else {
            return
        }
        throw ValidationError(
            "\(type(of: command)._commandName) is for one process, and \(processes) were started together; run it without "
                + "mpirun or srun")
    }

    /// Whether this rank has to say an error: of one that all ranks have, the first says it.
    static func says(_ error: any Error) -> Bool { rank ?? 0 == 0 || (error as? RunError)?.isOfAllRanks != true }

    /// What precedes an error: the rank where there are others.
    static var prefix: String { rank.map { "rank \($0): " } ?? "" }

    /// Ends this process's part in the ranks. After an error that the others need not know of, those that do not come to
    /// their end are ended.
    static func leave(_ status: Int32 = 0, after error: (any Error)? = nil) {
        guard rank != nil else { return }
        let isOrderly = error == nil || error is ExitCode || (error as? RunError)?.isOfAllRanks == true
        MPICommunicator.leave(within: isOrderly ? longest : patience, otherwise: max(1, status))
    }
}
