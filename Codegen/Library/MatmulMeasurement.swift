import ApusIR
import ApusLLVM
import ApusRuntime
import ApusSystem
import Foundation
import Synchronization

/// Measures generated matmuls and the library's beside each other, on one thread.
struct MatmulMeasurement {
    /// Seconds of work after which no further shape is measured: compiling shall not become slow where the machine is.
    private static let patience = 0.5
    /// Times that each is run after a first that is not counted. The best counts: other work on the machine only ever
    /// makes it slower.
    private static let runs = 3
    /// Floating-point operations of one run, about a millisecond.
    private static let operationsPerRun = 100_000_000

    private let target: TargetDescription

    init(_ target: TargetDescription) { self.target = target }

    /// The speeds of matmuls of some shapes, as many as can be measured in the time that there is.
    func speeds(_ shapes: Set<MeasuredShape>) throws -> [MeasuredShape: MatmulChoice.Speed] {
        let shapes = shapes.sorted { "\($0)" < "\($1)" }
        let programs = Mutex([MeasuredShape: Result<[LoadedProgram], any Error>]())
        concurrently(shapes.count) { number in
            let both = Result { try [.generated, .openblas].map { try program(shapes[number], $0) } }
            programs.withLock { $0[shapes[number]] = both }
        }
        var speeds: [MeasuredShape: MatmulChoice.Speed] = [:]
        let start = Self.workSeconds()
        for (shape, both) in programs.withLock({ $0 }).sorted(by: { "\($0.key)" < "\($1.key)" }) {
            guard Self.workSeconds() - start < Self.patience else { break }
            speeds[shape] = try speed(both.get())
        }
        return speeds
    }

    /// Seconds that this thread has worked: what others take from the machine does not count.
    private static func workSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// A program with one matmul, cut down to a part of it: tiles of the kernel, or columns of the library's.
    private func program(_ shape: MeasuredShape, _ products: CompilerOptions.Products) throws -> LoadedProgram {
        let builder = GraphBuilder(name: "matmul")
        func operand(_ name: String, _ shape: [Int]) -> Tensor {
            builder.parameter(Parameter(name, TensorType(.f32, shape), .ones))
        }
        // The left operand is usually computed: then its rows are where the layout wants them.
        let left = operand("left", [shape.m, shape.k]).copied()
        let right = operand("right", shape.isRightTransposed ? [shape.n, shape.k] : [shape.k, shape.n])
        builder.output("result", dot(left, right, contracting: [(1, shape.isRightTransposed ? 1 : 0)]))
        var options = CompilerOptions(products: products), tuning = Tuning(target)
        // Operands of most matmuls change from run to run.
        tuning.preparesWeights = false
        options.tuning = tuning
        let compiler = try GraphCompiler(options, target: target, cache: nil)
        let compilation = try compiler.compile(builder.finish())
        var program = compilation.program
        for (number, step) in program.steps.enumerated() where step.floatingPointOperations > 0 {
            program.steps[number] = Self.part(of: step)
        }
        return try LoadedProgram(program, LoadedCode(compilation.code))
    }

    private static func part(of step: Step) -> Step {
        var step = step
        let share = min(1, Double(operationsPerRun) / Double(step.floatingPointOperations))
        switch step.work {
        case .kernel(let symbol, let arguments, let count, let grain):
            let part = max(1, Int(Double(count) * share))
            step.work = .kernel(symbol: symbol, arguments: arguments, count: part, grain: grain)
            step.floatingPointOperations = step.floatingPointOperations / count * part
        case .matmul(var matmul):
            matmul.n = min(matmul.n, max(192, Int(Double(matmul.n) * share)))
            matmul.isDivided = false
            step.work = .matmul(matmul)
            step.floatingPointOperations = 2 * matmul.m * matmul.n * matmul.k
        case .sort, .begin, .finish: break
        }
        return step
    }

    private func speed(_ programs: [LoadedProgram]) throws -> MatmulChoice.Speed {
        let state = ProgramState(), pool = WorkerPool(threads: 1)
        try state.add(programs[0].program.parameters, seed: 0)
        let runners = try programs.map { try ProgramRunner($0, pool: pool) }
        var best = [0.0, 0.0]
        for run in 0...Self.runs {
            for (number, runner) in runners.enumerated() {
                try runner.run(state, [:]) { step in
                    guard run > 0, step.step.floatingPointOperations > 0 else { return }
                    best[number] = max(
                        best[number], Double(step.step.floatingPointOperations) / max(step.seconds, 1e-9))
                }
            }
        }
        return MatmulChoice.Speed(generated: best[0], openblas: best[1])
    }
}
