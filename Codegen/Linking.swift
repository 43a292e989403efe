import ApusIR
import ApusLLVM
import ApusRuntime

extension GraphCompiler {
    /// Places the buffers and makes the program, which names its kernels.
    func link(
        _ schedule: Schedule, _ table: KernelTable, _ plans: [KernelPlan], _ codes: [KernelCode], name: String
    ) -> Program {
        let memory = BufferLocations(schedule, guarded: guardsBuffers)
        let steps = schedule.steps.enumerated().map { position, step in
            linked(
                step, table.numbers[position].map { (codes[$0].symbol, plans[$0], table.byteOffsets[position]) },
                memory.locations)
        }
        let scratch = plans.map(\.scratchBytes).max() ?? 0
        let graph = schedule.graph
        func binding(_ name: String, _ value: ApusIR.Value) -> Program.Binding {
            Program.Binding(
                name: name, type: graph[value].type, location: memory.locations[schedule.layout[value].buffer])
        }
        let parameters = graph.parameters
        var updates: Set<ApusIR.Value> = []
        for case .update(let parameter) in graph.results.map(\.kind) { updates.insert(parameter) }
        return Program(
            name: name, steps: steps, preparationCount: schedule.preparationCount,
            inputs: graph.inputs.map { input in
                var binding = binding(input.operation.name, input.value)
                binding.below = input.operation.below
                binding.except = input.operation.except
                return binding
            },
            outputs: graph.results.compactMap { result in
                if case .output(let name) = result.kind { binding(name, result.value) } else { nil }
            },
            parameters: parameters.map(\.operation),
            updates: parameters.indices.filter { updates.contains(parameters[$0].value) },
            arenaBytes: memory.report.arenaBytes, scratchBytes: scratch,
            constants: memory.constants)
    }

    private func linked(
        _ step: Schedule.ScheduledStep, _ kernel: (symbol: String, plan: KernelPlan, byteOffsets: [Int])?,
        _ locations: [Location]
    ) -> Step {
        func located(_ collective: Collective, _ buffer: Int) -> Collective {
            var collective = collective
            collective.location = locations[buffer].offset(by: collective.location.byteOffset)
            return collective
        }
        switch step.work {
        case .kernel(let call):
            guard let kernel else { preconditionFailure("step \(step.name) has no kernel") }
            let (count, grain) = kernel.plan.tiles(of: call)
            let arguments = zip(call.buffers, kernel.byteOffsets).map { locations[$0].offset(by: $1) }
            return Step(
                name: step.name,
                work: .kernel(symbol: kernel.symbol, arguments: arguments, count: count, grain: grain), path: step.path,
                floatingPointOperations: step.floatingPointOperations, bytes: call.bytes)
        case .matmul(var matmul, let a, let b, let c):
            func locate(_ matrix: inout Matmul.Matrix, _ buffer: Int) {
                matrix.location = locations[buffer].offset(by: matrix.location.byteOffset)
            }
            locate(&matmul.a, a)
            locate(&matmul.b, b)
            locate(&matmul.c, c)
            let elements = matmul.batchCount * (matmul.m * matmul.k + matmul.k * matmul.n + matmul.m * matmul.n)
            return Step(
                name: step.name, work: .matmul(matmul), path: step.path,
                floatingPointOperations: step.floatingPointOperations, bytes: 4 * elements)
        case .sort(var sort, let source, let result):
            sort.source = locations[source].offset(by: sort.source.byteOffset)
            sort.result = locations[result].offset(by: sort.result.byteOffset)
            return Step(name: step.name, work: .sort(sort), path: step.path, bytes: 8 * sort.rows * sort.width)
        case .begin(let collective, let buffer):
            return Step(
                name: step.name, work: .begin(located(collective, buffer)), path: step.path,
                bytes: collective.type.byteCount)
        case .finish(let collective, let buffer):
            return Step(name: step.name, work: .finish(located(collective, buffer)), path: step.path)
        }
    }
}
