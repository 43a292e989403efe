import Apus

extension ProgramState {
    /// What the name of the average of a weight begins with.
    static let averagePrefix = "ema."

    /// Overwrites parameters with the tensors of a checkpoint; throws a list of all that are missing or of another
    /// shape.
    ///
    /// With `averaged`, the average of a weight is taken in its place where the file has one.
    func load(_ parameters: [Parameter], from file: SafetensorsFile, averaged: Bool = false) throws {
        var problems: [String] = []
        let sources = parameters.filter { !$0.isSumOfGradients }.map { parameter in
            let average = Self.averagePrefix + parameter.name
            return (parameter, name: averaged && file.contains(average) ? average : parameter.name)
        }
        for (parameter, name) in sources {
            guard file.contains(name) else {
                problems.append("'\(name)' is missing")
                continue
            }
            let shape = try file.shape(name), element = try file.elementType(name)
            let wanted = parameter.type.element.inFiles
            if shape != parameter.type.shape || element != wanted {
                problems.append(
                    "'\(name)' is \(element.rawValue) \(shape) in the file and \(wanted.rawValue) \(parameter.type.shape) in the model"
                )
            }
        }
        guard problems.isEmpty else { throw RunError.unfitCheckpoint(path: file.path, problems: problems) }
        for (parameter, name) in sources {
            try file.withBytes(name) { bytes in
                try write(parameter.name, type: parameter.type) { $0.copyMemory(from: bytes) }
            }
        }
    }

    /// A state with the averages of weights in place of the weights that have one; itself if there are none.
    func averaged(_ parameters: [Parameter]) throws -> ProgramState {
        guard names.contains(where: { $0.hasPrefix(Self.averagePrefix) }) else { return self }
        let state = ProgramState()
        try state.add(parameters, seed: 0)
        for parameter in parameters {
            let average = Self.averagePrefix + parameter.name
            try withBytes(type(of: average) == nil ? parameter.name : average) { bytes in
                try state.write(parameter.name, type: parameter.type) { $0.copyMemory(from: bytes) }
            }
        }
        return state
    }

    /// Names of what a checkpoint holds: weights and the optimizer's state.
    var savedNames: [String] { names.filter { !Parameter.isSumOfGradients($0) } }

    /// The first parameter, by name, that holds a number which is not finite.
    func firstNotFinite() throws -> String? {
        try savedNames.first { name in
            guard type(of: name)?.element == .f32 else { return false }
            return try withBytes(name) { bytes in
                let exponent: UInt32 = 0x7F80_0000
                return bytes.bindMemory(to: UInt32.self).contains { $0 & exponent == exponent }
            }
        }
    }

    /// Hands `body` the tensors as they lie in memory, for writing them to a file.
    func withTensors<Result>(_ names: [String], _ body: ([SafetensorsWriter.Tensor]) throws -> Result) throws -> Result
    {
        let known = names.compactMap { name in type(of: name).map { (name: name, type: $0) } }
        return try withBytes(of: known.map(\.name)) { memory in
            try body(zip(known, memory).map { .init($0.name, $0.type.element.inFiles, $0.type.shape, body: $1) })
        }
    }
}

extension ElementType {
    /// How parameters of the type are kept in files; all are f32 but for counters.
    fileprivate var inFiles: SafetensorsElementType { self == .i32 ? .i32 : .f32 }
}

extension Parameter {
    /// Whether this is where gradients of several batches are added up: zero between updates, so that no checkpoint
    /// holds it.
    fileprivate var isSumOfGradients: Bool { Self.isSumOfGradients(name) }

    fileprivate static func isSumOfGradients(_ name: String) -> Bool { name.hasPrefix("accumulated.") }
}
