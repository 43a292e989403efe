import ApusIR
import ApusLLVM
import ApusRuntime

extension GraphCompiler {
    /// Places the buffers and makes the program, which names its kernels; also tells what lies where.
    func link(
        _ schedule: Schedule, _ table: KernelTable, _ plans: [KernelPlan], _ codes: [KernelCode], name: String
    ) -> (program: Program, memory: MemoryReport) {
        let memory = BufferPlaces(schedule)
        let steps = schedule.steps.enumerated().map { position, step in
            linked(
                step, table.numbers[position].map { (codes[$0].symbol, plans[$0], table.byteOffsets[position]) },
                memory.places)
        }
        let scratch = plans.map(\.scratchBytes).max() ?? 0
        let graph = schedule.graph
        func binding(_ name: String, _ value: ApusIR.Value) -> Program.Binding {
            Program.Binding(name: name, type: graph[value].type, place: memory.places[schedule.layout[value].buffer])
        }
        let program = Program(
            name: name, steps: steps,
            inputs: graph.inputs.map { input in
                var binding = binding(input.operation.name, input.value)
                binding.below = input.operation.below
                return binding
            },
            outputs: graph.results.compactMap { result in
                if case .output(let name) = result.kind { binding(name, result.value) } else { nil }
            },
            parameters: graph.parameters.map(\.operation), arenaBytes: memory.report.arenaBytes, scratchBytes: scratch,
            constants: memory.constants)
        return (program, memory.report)
    }

    private func linked(
        _ step: Schedule.ScheduledStep, _ kernel: (symbol: String, plan: KernelPlan, byteOffsets: [Int])?,
        _ places: [Place]
    ) -> Step {
        switch step.work {
        case .kernel(let call):
            guard let kernel else { preconditionFailure("step \(step.name) has no kernel") }
            let (count, grain) = kernel.plan.tiles(of: call)
            let arguments = zip(call.buffers, kernel.byteOffsets).map { places[$0].offset(by: $1) }
            return Step(
                name: step.name,
                work: .kernel(symbol: kernel.symbol, arguments: arguments, count: count, grain: grain),
                floatingPointOperations: step.floatingPointOperations, bytes: call.bytes)
        case .product(var product, let a, let b, let c):
            func place(_ matrix: inout Product.Matrix, _ buffer: Int) {
                matrix.place = places[buffer].offset(by: matrix.place.byteOffset)
            }
            place(&product.a, a)
            place(&product.b, b)
            place(&product.c, c)
            let elements = product.batchCount * (product.m * product.k + product.k * product.n + product.m * product.n)
            return Step(
                name: step.name, work: .product(product), floatingPointOperations: step.floatingPointOperations,
                bytes: 4 * elements)
        case .sort(var sort, let source, let result):
            sort.source = places[source].offset(by: sort.source.byteOffset)
            sort.result = places[result].offset(by: sort.result.byteOffset)
            return Step(name: step.name, work: .sort(sort), bytes: 8 * sort.rows * sort.width)
        }
    }
}
