import ApusIR
import ApusTransforms

/// What a compilation decides before there is code: enough to print it and to count it.
package struct CompilationPlan {
    /// What the passes rewrote, in order.
    package var rewrites: [Rewrite]
    package var schedule: Schedule
    /// Where the program's arena goes.
    package var memory: MemoryReport
    /// How many kernels there are; steps that do the same share one.
    package var kernelCount: Int
}

extension GraphCompiler {
    /// Decides all that a compilation decides, and generates no code.
    package func plan(_ graph: Graph) throws -> CompilationPlan {
        var rewrites: [Rewrite] = []
        let schedule = try Schedule(pipeline.run(graph, recording: &rewrites), tuning)
        return CompilationPlan(
            rewrites: rewrites, schedule: schedule,
            memory: BufferLocations(schedule, guarded: guardsBuffers).report,
            kernelCount: KernelTable(schedule).kernels.count)
    }

    /// What a compilation decides, without the code.
    public func report(_ graph: Graph) throws -> CompilationReport {
        let plan = try plan(graph)
        return CompilationReport(rewrites: plan.rewrites, memory: plan.memory)
    }
}
