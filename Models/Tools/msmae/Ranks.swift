import Apus
import ApusMPI
import ArgumentParser
import Foundation

/// A command that several processes run together, each on its part of the data; others are for one process alone.
protocol RankedCommand {}

/// The processes that mpirun or srun has started this program as.
enum Ranks {
    /// Seconds that the other ranks may take to come to their end in order: the first one may evaluate, and write a
    /// large checkpoint. None waits for a rank that has failed, since each is told.
    private static let longest = 86400.0

    /// This rank's connection to the others; nil if it is alone. Throws ``MPIError`` where there are others and this
    /// build has no MPI.
    static func join() throws -> MPICommunicator? {
        guard let processes = MPICommunicator.launchedProcesses, processes > 1 else { return nil }
        hasTried = true
        let communicator = try MPICommunicator.world()
        rank = communicator.rank
        return communicator
    }

    /// Which rank this is, once it has joined the others, and whether it has tried to, which can be done once.
    nonisolated(unsafe) private(set) static var rank: Int?
    nonisolated(unsafe) private static var hasTried = false

    /// Throws if several processes were started of a command that is for one.
    static func check(_ command: any ParsableCommand) throws {
        guard let processes = MPICommunicator.launchedProcesses, processes > 1, !(command is any RankedCommand) else {
            return
        }
        throw ValidationError(
            "\(type(of: command)._commandName) is for one process, and \(processes) were started together; run it without "
                + "mpirun or srun")
    }

    /// Tells the others that this rank has failed, and returns whether it has to say an error: of one that all ranks
    /// have, the first says it.
    static func says(_ error: String) -> Bool {
        // An option that is wrong is found before ranks have joined.
        if !hasTried { _ = try? join() }
        return rank.map { MPICommunicator.mustSay(error, as: $0) } ?? true
    }

    /// What precedes an error: the rank where there are others.
    static var prefix: String { rank.map { "rank \($0): " } ?? "" }

    /// Ends this process's part in the ranks.
    static func leave(_ status: Int32 = 0) {
        guard rank != nil else { return }
        MPICommunicator.leave(within: longest, otherwise: max(1, status))
    }
}
