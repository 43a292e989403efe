/// Ranks that cannot be joined.
public enum MPIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// This build of Apus has no MPI, and a launcher has started so many processes; nil if that is not known.
    case notBuilt(processes: Int?)
    /// MPI has refused something, with its own words.
    case refused(String)

    public var description: String {
        switch self {
        case .notBuilt(let processes):
            (processes.map { "\($0) processes were started together, and " } ?? "")
                + "this build has no MPI: install Open MPI (libopenmpi-dev) and build with swift build --traits MPI"
        case .refused(let reason): "the ranks cannot be joined: \(reason); start the program by mpirun or srun"
        }
    }
}
