import ApusIR

extension Program {
    /// What makes this program one that must not run: locations outside of its memory, names that are there twice. Nil
    /// if nothing does. Programs that were compiled here have no problem; those from files may.
    package var problem: String? {
        let largest = 1 << 46
        guard (0...largest).contains(arenaBytes), (0...largest).contains(scratchBytes) else {
            return "the program wants \(arenaBytes) bytes of arena and \(scratchBytes) of scratch memory"
        }
        for names in [inputs.map(\.name), outputs.map(\.name), parameters.map(\.name)] {
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted { return "the name '\(name)' is there twice" }
        }
        for parameter in parameters {
            guard isShape(parameter.type.shape) else { return "the parameter '\(parameter.name)' has no size" }
            if let problem = parameter.initializer.problem(for: parameter.type) {
                return "the parameter '\(parameter.name)', \(parameter.type), cannot be filled: \(problem)"
            }
        }
        guard updates.allSatisfy(parameters.indices.contains), zip(updates, updates.dropFirst()).allSatisfy(<) else {
            return "the parameters that a run changes are \(updates), and there are \(parameters.count)"
        }
        guard (0...steps.count).contains(preparationCount), preparationCount == 0 || updates.isEmpty else {
            return "\(preparationCount) of \(steps.count) steps run once, and a run changes \(updates.count) parameters"
        }
        for step in steps.prefix(preparationCount) where readsInputs(step.work) {
            return "the step '\(step.name)' is to be run once, and depends on more than parameters"
        }
        for (number, input) in inputs.enumerated() where input.location != Location(.input(number)) {
            return "the input '\(input.name)' lies elsewhere"
        }
        for binding in inputs + outputs {
            guard isShape(binding.type.shape), holds(binding.location, bytes: binding.type.byteCount) else {
                return "'\(binding.name)' \(binding.type) lies outside of the program's memory"
            }
            if let below = binding.below, below < 1 || binding.type.element != .i32 {
                return "'\(binding.name)' \(binding.type) has no indices below \(below)"
            }
        }
        if let obstacle = obstacleAlone { return obstacle }
        for (number, step) in steps.enumerated() where !isWithin(step.work) {
            return "step \(number), \(step.name), reaches outside of the memory that it may read or write"
        }
        return nil
    }

    /// Why the program cannot run where there are no other ranks, as one from a file or in a library; nil if it can.
    package var obstacleAlone: String? {
        guard let collective = collectives.first else { return nil }
        return
            "it works together with other ranks (\(collective)), which programs in files and libraries cannot; compile "
            + "it without a communicator"
    }

    /// Whether what a step computes may differ from run to run with the same parameters.
    private func readsInputs(_ work: Step.Work) -> Bool {
        func isInput(_ location: Location) -> Bool { if case .input = location.region { true } else { false } }
        return switch work {
        case .kernel(_, let arguments, _, _): arguments.contains(where: isInput)
        case .sort(let sort): isInput(sort.source)
        case .matmul(let matmul): isInput(matmul.a.location) || isInput(matmul.b.location)
        case .begin, .finish: true
        }
    }

    /// Whether a step may write to a location.
    private func isWritable(_ location: Location) -> Bool {
        switch location.region {
        case .arena: true
        case .input, .constants: false
        case .parameter(let number): updates.contains(number)
        }
    }

    /// Whether a location is in memory that the program has, with so many bytes from it on.
    private func holds(_ location: Location, bytes: Int = 0) -> Bool {
        let size: Int
        switch location.region {
        case .arena: size = arenaBytes
        case .input(let number):
            guard inputs.indices.contains(number), isShape(inputs[number].type.shape) else { return false }
            size = inputs[number].type.byteCount
        case .constants: size = constants.count
        case .parameter(let number):
            guard parameters.indices.contains(number) else { return false }
            size = parameters[number].type.byteCount
        }
        return location.byteOffset >= 0 && location.byteOffset <= size && bytes <= size - location.byteOffset
    }

    private func isWithin(_ work: Step.Work) -> Bool {
        switch work {
        case .kernel(_, let arguments, let count, let grain):
            return count >= 0 && grain > 0 && arguments.allSatisfy { holds($0) }
        case .sort(let sort):
            guard sort.rows > 0, sort.width > 0, sort.rowStride >= sort.width,
                sort.rows < 1 << 40, sort.rowStride < 1 << 40
            else { return false }
            let last = (sort.rows - 1).multipliedReportingOverflow(by: sort.rowStride)
            return !last.overflow && last.partialValue < 1 << 44 && isWritable(sort.result)
                && holds(sort.source, bytes: 4 * (last.partialValue + sort.width))
                && holds(sort.result, bytes: 4 * sort.rows * sort.width)
        case .begin(let collective), .finish(let collective):
            let type = collective.type
            return isWritable(collective.location) && isShape(type.shape)
                && holds(collective.location, bytes: type.byteCount)
        case .matmul(let matmul):
            return isShape(matmul.batch) && isWritable(matmul.c.location)
                && holds(matmul.a, matmul.m, matmul.k, matmul.batch)
                && holds(matmul.b, matmul.k, matmul.n, matmul.batch)
                && holds(matmul.c, matmul.m, matmul.n, matmul.batch)
        }
    }

    private func holds(_ matrix: Matmul.Matrix, _ rows: Int, _ columns: Int, _ batch: [Int]) -> Bool {
        guard batch.count == matrix.batchStrides.count else { return false }
        let axes = zip([rows, columns] + batch, [matrix.rowStride, matrix.columnStride] + matrix.batchStrides)
        var last = 0
        for (extent, stride) in axes {
            guard (1...1 << 31).contains(extent), (0...1 << 40).contains(stride) else { return false }
            let step = (extent - 1).multipliedReportingOverflow(by: stride)
            guard !step.overflow, step.partialValue < 1 << 44 else { return false }
            last += step.partialValue
        }
        return holds(matrix.location, bytes: 4 * (last + 1))
    }
}
