import ApusIR
import ApusLayers
import ApusRuntime

/// What a rank has of state that is divided among ranks (`StateDivision`), beside the whole, which files have: of what
/// the optimizer keeps about weights; and of weights in f32, where ranks hold the whole as bf16.
struct StateParts {
    /// What a rank has of a whole.
    private struct Part {
        /// The part's name in the state.
        var name: String
        /// The type of the whole.
        var type: TensorType
    }

    /// The parts by the names of wholes, which are those in files.
    private let parts: [String: Part]
    private let ranks: TrainingRanks

    /// The parts in a rank's state.
    init(of state: ProgramState, _ ranks: TrainingRanks, isDivided: Bool) {
        self.ranks = ranks
        var parts: [String: Part] = [:]
        for name in isDivided ? state.names : [] where name.hasPrefix("optimizer.") {
            // optimizer.KIND.WEIGHT
            let words = name.split(separator: ".", maxSplits: 2).map(String.init)
            guard words.count == 3, let type = state.type(of: name), let weight = state.type(of: words[2]),
                StateDivision.partCount(of: weight.shape, ranks: ranks.count).map({ [$0] }) == type.shape
            else { continue }
            let whole = name == StateDivision.masterPrefix + words[2] ? words[2] : name
            parts[whole] = Part(name: name, type: type.with(shape: weight.shape))
        }
        self.parts = parts
    }

    var isEmpty: Bool { parts.isEmpty }
    /// Names in the state that are not the same on all ranks.
    var ownNames: Set<String> { Set(parts.values.map(\.name)) }
    /// Whether a rank has but a part of what files have under a name.
    func isDivided(_ name: String) -> Bool { parts[name] != nil }
    /// The type that a parameter of the state has in files.
    func typeInFiles(_ parameter: Parameter) -> TensorType { parts[parameter.name]?.type ?? parameter.type }
    /// The name that files have for a parameter of the state.
    func nameInFiles(_ name: String) -> String { parts.first { $0.value.name == name }?.key ?? name }
    private var holdsNarrowWeights: Bool { parts.contains { $0.key != $0.value.name } }

    // MARK: To the whole

    /// The bytes of a whole; all ranks call it together.
    private func gathered(_ name: String, from state: ProgramState) throws -> [UInt8] {
        guard let part = parts[name] else { return [] }
        let own = try state.withBytes(part.name) { Array($0) }
        let all = try ranks.gathered(own, at: [ranks.rank], of: ranks.count, width: own.count)
        return Array(all.prefix(part.type.byteCount))
    }

    /// The names of the wholes in the order in which files have tensors of one type.
    private var order: [String] { parts.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// Hands `write` what files have of divided state, to be written at once: a tensor at a time is gathered then,
    /// while other ranks call ``giveAll(of:)``. They need not learn of what cannot be written: the rest is taken all
    /// the same.
    func gathering(_ state: ProgramState, _ write: ([SafetensorsWriter.Tensor]) throws -> Void) throws {
        // Tensors are read one after the other, by who writes them.
        nonisolated(unsafe) var left = order[...]
        nonisolated(unsafe) let divided = self
        let tensors = parts.map { name, part in
            SafetensorsWriter.Tensor(name, part.type.element.inFiles, part.type.shape) {
                left = left.dropFirst()
                return try divided.gathered(name, from: state)
            }
        }
        do {
            try write(tensors)
        } catch {
            for name in left { _ = try? gathered(name, from: state) }
            throw error
        }
    }

    /// Gives the first rank this one's parts.
    func giveAll(of state: ProgramState) throws { for name in order { _ = try gathered(name, from: state) } }

    /// The state with weights in f32 in place of those that are held as bf16, and without what the optimizer keeps; the
    /// state itself if there are none. All ranks call it together.
    func withWholeWeights(_ state: ProgramState) throws -> ProgramState {
        guard holdsNarrowWeights else { return state }
        let whole = ProgramState()
        for name in state.names where !name.hasPrefix("optimizer.") {
            guard let type = parts[name]?.type ?? state.type(of: name) else { continue }
            try whole.add([Parameter(name, type, .zeros, trainable: false)], seed: 0)
            if isDivided(name) {
                let bytes = try gathered(name, from: state)
                try whole.write(name, type: type) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
            } else {
                try whole.write(name, state.read(name))
            }
        }
        whole.step = state.step
        return whole
    }

    /// Copies a state into one that other parts belong to; all ranks call it together.
    func copy(_ state: ProgramState, to other: ProgramState, _ others: StateParts) throws {
        let own = ownNames
        for name in Set(state.names).subtracting(own).union(parts.keys).sorted() {
            let bytes = isDivided(name) ? try gathered(name, from: state) : try state.withBytes(name) { Array($0) }
            try bytes.withUnsafeBytes { bytes in
                if others.isDivided(name) {
                    try others.write(name, partOf: bytes, to: other)
                } else if let type = other.type(of: name) ?? parts[name]?.type ?? state.type(of: name) {
                    try other.add([Parameter(name, type, .zeros, trainable: false)], seed: 0)
                    try other.write(name, type: type) { $0.copyMemory(from: bytes) }
                }
            }
        }
        other.step = state.step
    }

    // MARK: From the whole

    /// Writes what a state has of a whole, in f32: the rank's own part, and a weight that is held as bf16.
    func write(_ name: String, partOf whole: UnsafeRawBufferPointer, to state: ProgramState) throws {
        guard let part = parts[name] else { return }
        try state.writePart(part.name, number: ranks.rank, of: whole)
        guard part.name != name, let type = state.type(of: name) else { return }
        try state.write(name, type: type) { target in
            let numbers = whole.bindMemory(to: Float.self), narrow = target.bindMemory(to: UInt16.self)
            for index in narrow.indices {
                narrow[index] = UInt16(Float(ElementType.bf16.rounded(Double(numbers[index]))).bitPattern >> 16)
            }
        }
    }

    /// Has `fill` change a state in which nothing is divided, and takes over what it has become. That begins as
    /// parameters are initialised, and with what is not divided as it is.
    func fill(_ state: ProgramState, _ parameters: [Parameter], seed: Int, by fill: (ProgramState) throws -> Void)
        throws
    {
        guard parameters.contains(where: { isDivided($0.name) }) else { return try fill(state) }
        let whole = ProgramState(), own = ownNames
        for var parameter in parameters where !own.contains(parameter.name) || isDivided(parameter.name) {
            parameter.type = typeInFiles(parameter)
            try whole.add([parameter], seed: UInt64(seed))
            if !isDivided(parameter.name) { try whole.write(parameter.name, state.read(parameter.name)) }
        }
        whole.step = state.step
        try fill(whole)
        for name in whole.names {
            if isDivided(name) {
                try whole.withBytes(name) { try write(name, partOf: $0, to: state) }
            } else if state.type(of: name) != nil {
                try state.write(name, whole.read(name))
            }
        }
        state.step = whole.step
    }
}

extension ProgramState {
    /// Writes one of the equal parts of a whole, behind whose end are zeros.
    func writePart(_ name: String, number: Int, of whole: UnsafeRawBufferPointer) throws {
        guard let type = type(of: name) else { return }
        try write(name, type: type) { target in
            let own = whole.dropFirst(number * target.count).prefix(target.count)
            target.initializeMemory(as: UInt8.self, repeating: 0)
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: own))
        }
    }
}
