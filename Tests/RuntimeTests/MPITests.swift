import ApusMPI
import Testing

/// What a build without the package trait `MPI` says; with it, Scripts/mpi-check starts processes.
struct MPITests {
    #if !MPI
        @Test func saysWhatIsMissing() {
            let error = #expect(throws: MPIError.self) { try MPICommunicator.world() }
            #expect(error == .notBuilt(processes: MPICommunicator.launchedProcesses))
        }
    #endif

    @Test func errorsSayWhatToDo() {
        #expect(
            MPIError.notBuilt(processes: 3).description
                == "3 processes were started together, and this build has no MPI: install Open MPI (libopenmpi-dev) and build "
                + "with swift build --traits MPI")
        #expect(MPIError.notBuilt(processes: nil).description.hasPrefix("this build has no MPI"))
        #expect(
            MPIError.refused("no route").description
                == "the ranks cannot be joined: no route; start the program by mpirun or srun")
    }
}
