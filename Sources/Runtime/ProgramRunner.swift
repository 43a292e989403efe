import ApusIR
import Foundation

/// Runs one program again and again: owns its arena and the pool of threads. A warm run allocates nothing but its
/// results, and reads inputs where they lie.
public final class ProgramRunner {
    /// The program as plain data.
    public var program: Program { loaded.program }
    /// The threads that it runs on.
    public let pool: WorkerPool
    private let loaded: LoadedProgram
    private let arena: Memory
    private let constants: Memory
    private let scratch: [Memory]
    private let poisons: Bool
    private let inputNames: Set<String>
    /// The library, where the program has matmuls of its.
    private let library: MatmulLibrary?
    /// The other ranks, where the program works together with them.
    private let communicator: (any Communicator)?
    /// Collectives that have begun and not ended.
    private var underWay = 0
    /// The version of the state whose weights the arena was prepared for; nil before there was one.
    private var preparedVersion: UInt64?
    /// Where the inputs of the run under way lie.
    private var inputs: [UnsafeRawPointer] = []

    /// Makes room for a program on a pool's threads. Throws if there is not enough memory, if the program has matmuls
    /// of the library and that cannot be used, or if it works together with other ranks and there is no communicator.
    public convenience init(
        _ loaded: LoadedProgram, pool: WorkerPool, communicator: (any Communicator)? = nil
    ) throws(RuntimeError) {
        try self.init(loaded, pool: pool, communicator: communicator, guardPages: [], poisons: false)
    }

    /// The same with pages of the arena that nobody may touch, and with memory that holds NaN until it is written: the
    /// arena when it is made, and scratch memory before each use, so that what reads numbers that others have left, or
    /// the zeros of new memory, gives NaN. Slow; for tests of generated code.
    package init(
        _ loaded: LoadedProgram, pool: WorkerPool, communicator: (any Communicator)? = nil, guardPages: [Int] = [],
        poisons: Bool
    ) throws(RuntimeError) {
        let program = loaded.program
        guard communicator != nil || program.collectives.isEmpty else {
            throw RuntimeError(
                .communication,
                "'\(program.name)' works together with other ranks; run it with a communicator, or compile it without one"
            )
        }
        for collective in program.collectives where collective.kind != .allReduce {
            guard let communicator, collective.type.shape.first != communicator.count else { continue }
            throw RuntimeError(
                .communication,
                "'\(program.name)' is for \(collective.type.shape[0]) ranks (\(collective)), and there are "
                    + "\(communicator.count): trace it for as many")
        }
        self.communicator = communicator
        self.loaded = loaded
        self.pool = pool
        arena = try Memory(byteCount: program.arenaBytes)
        if poisons { arena.poison() }
        arena.guardPages(at: guardPages)
        let constants = try Memory(byteCount: program.constants.count)
        program.constants.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { constants.pointer.copyMemory(from: start, byteCount: bytes.count) }
        }
        self.constants = constants
        var scratch: [Memory] = []
        for _ in 0..<pool.threads { scratch.append(try Memory(byteCount: program.scratchBytes)) }
        self.scratch = scratch
        self.poisons = poisons
        inputNames = Set(program.inputs.map(\.name))
        library = program.usesLibrary ? try .shared() : nil
        try library?.reserve(threads: pool.threads)
    }

    /// Runs the program once. Parameters are updated in place; the outputs are returned by name.
    ///
    /// `observe` is told of each step when it is done. No other thread can use the state meanwhile: it waits.
    @discardableResult
    public func run(
        _ state: ProgramState, _ inputs: [String: TensorData], observe: ((StepRun) -> Void)? = nil
    ) throws(RuntimeError) -> [String: TensorData] {
        // The numbers stay where they are for as long as somebody has the values.
        defer { withExtendedLifetime(inputs) {} }
        try bind(inputs)
        try checkIndices()
        do throws(RuntimeError) {
            return try state.exclusively { () throws(RuntimeError) in
                try pool.running { () throws(RuntimeError) in try run(state, observe) }
            }
        } catch {
            // Other ranks may still write what they have part in: the memory is never given back.
            if underWay > 0 { _ = Unmanaged.passRetained(arena) }
            throw error
        }
    }

    private func run(
        _ state: ProgramState, _ observe: ((StepRun) -> Void)?
    ) throws(RuntimeError) -> [String: TensorData] {
        let parameters = try state.pointers(for: program.parameters)
        let first = preparedVersion == state.version ? program.preparationCount : 0
        preparedVersion = nil
        if !program.updates.isEmpty { state.noteChange() }
        // An observer may change weights, which are others for the next run then.
        let version = state.version
        if let observe {
            try self.observe(first, parameters, observe)
        } else {
            for number in first..<program.steps.count { try execute(number, parameters, on: pool) }
        }
        preparedVersion = version
        var outputs: [String: TensorData] = [:]
        for output in program.outputs {
            outputs[output.name] = TensorData(type: output.type, copying: address(output.location, parameters))
        }
        return outputs
    }

    private func observe(
        _ first: Int, _ parameters: [UnsafeMutableRawPointer], _ observe: (StepRun) -> Void
    ) throws(RuntimeError) {
        let recorder = WorkRecorder(threads: pool.threads)
        let recorded = pool.recorded(by: recorder)
        for (number, step) in program.steps.enumerated().dropFirst(first) {
            let begin = StepRun.now()
            try execute(number, parameters, on: recorded)
            observe(StepRun(number: number, step: step, time: begin..<StepRun.now(), work: recorder.take()))
        }
    }

    private func bind(_ inputs: [String: TensorData]) throws(RuntimeError) {
        for name in inputs.keys.sorted() where !inputNames.contains(name) {
            throw RuntimeError(
                .name,
                "'\(name)' is not an input of '\(program.name)', which has \(program.inputs.map(\.name).joined(separator: ", "))"
            )
        }
        self.inputs.removeAll(keepingCapacity: true)
        for binding in program.inputs {
            guard let data = inputs[binding.name] else {
                throw RuntimeError(
                    .name, "the input '\(binding.name)' (\(binding.type)) of '\(program.name)' is missing")
            }
            guard data.type == binding.type else {
                throw RuntimeError(
                    .type, "the input '\(binding.name)' of '\(program.name)' is \(binding.type), given \(data.type)")
            }
            self.inputs.append(data.pointer)
        }
    }

    /// Indices that reach beyond what they index would be clamped or ignored silently: they are refused before anything
    /// is computed or updated.
    private func checkIndices() throws(RuntimeError) {
        for (number, input) in program.inputs.enumerated() {
            guard let below = input.below else { continue }
            let start = inputs[number].assumingMemoryBound(to: Int32.self)
            let numbers = UnsafeBufferPointer(start: start, count: input.type.count), limit = UInt32(clamping: below)
            let except = input.except.map { Int32(clamping: $0) }
            guard
                let position = numbers.firstIndex(where: { UInt32(bitPattern: $0) >= limit && $0 != except })
            else { continue }
            let place = unraveled(position, input.type.shape).map(String.init).joined(separator: ", ")
            throw RuntimeError(
                .value,
                "the input '\(input.name)' of '\(program.name)' has \(numbers[position]) at [\(place)]; it must be from 0 to "
                    + "\(below - 1)" + (except.map { " or \($0)" } ?? ""))
        }
    }

    /// The index in a shape of an element of row-major order.
    private func unraveled(_ position: Int, _ shape: [Int]) -> [Int] {
        rowMajorStrides(shape).enumerated().map { position / $1 % shape[$0] }
    }

    private func address(_ location: Location, _ parameters: [UnsafeMutableRawPointer]) -> UnsafeMutableRawPointer {
        switch location.region {
        case .arena: arena.pointer + location.byteOffset
        // Inputs are only read; kernels have one type of pointer for all arguments.
        case .input(let number): UnsafeMutableRawPointer(mutating: inputs[number]) + location.byteOffset
        case .constants: constants.pointer + location.byteOffset
        case .parameter(let number): parameters[number] + location.byteOffset
        }
    }

    private func execute(
        _ number: Int, _ parameters: [UnsafeMutableRawPointer], on pool: WorkerPool
    ) throws(RuntimeError) {
        switch loaded.program.steps[number].work {
        case .kernel(_, let arguments, let count, let grain):
            guard let function = loaded.functions[number] else { return }
            withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: arguments.count) { pointers in
                for (index, argument) in arguments.enumerated() {
                    pointers.initializeElement(at: index, to: address(argument, parameters))
                }
                let list = UnsafePointer(pointers.baseAddress!)
                pool.run(count: count, grain: grain) { tiles, worker in
                    if poisons { scratch[worker].poison() }
                    function(list, tiles.lowerBound, tiles.upperBound, scratch[worker].pointer)
                }
            }
        case .matmul(let matmul):
            guard let library else { return }
            matmul.run(
                (
                    address(matmul.a.location, parameters), address(matmul.b.location, parameters),
                    address(matmul.c.location, parameters)
                ), by: library, pool: pool)
        case .sort(let sort):
            sort.run(source: address(sort.source, parameters), result: address(sort.result, parameters), pool: pool)
        case .begin(let collective):
            let elements = UnsafeMutableRawBufferPointer(
                start: address(collective.location, parameters), count: collective.type.byteCount)
            try communicator?.begin(collective.kind, elements, of: collective.type.element)
            underWay += 1
        case .finish:
            try communicator?.finish()
            underWay -= 1
        }
        if underWay > 0 { try communicator?.progress() }
    }
}
