import ApusIR
import ApusRuntime

extension ProgramState {
    /// What the name of the average of a weight begins with.
    public static let averagePrefix = "ema."

    /// Overwrites parameters with the tensors of a checkpoint; throws a list of all that are missing or of another
    /// shape.
    ///
    /// With `averaged`, the average of a weight is taken in its place where the file has one.
    public func load(_ parameters: [Parameter], from file: SafetensorsFile, averaged: Bool = false) throws {
        try load(parameters, from: file, averaged: averaged, parts: nil)
    }

    /// The same, of what ranks have parts of this rank's.
    func load(
        _ parameters: [Parameter], from file: SafetensorsFile, averaged: Bool = false, parts: StateParts?
    ) throws {
        var problems: [String] = []
        let own = parts?.ownNames ?? []
        let fromFile = parameters.filter {
            !$0.isSumOfGradients && (!own.contains($0.name) || parts?.isDivided($0.name) == true)
        }
        let sources = fromFile.map { parameter in
            let average = Self.averagePrefix + parameter.name
            return (parameter, name: averaged && file.contains(average) ? average : parameter.name)
        }
        for (parameter, name) in sources {
            guard file.contains(name) else {
                problems.append("'\(name)' is missing")
                continue
            }
            let shape = try file.shape(name), element = try file.elementType(name)
            let type = parts?.typeInFiles(parameter) ?? parameter.type, wanted = type.element.inFiles
            if shape != type.shape || element != wanted {
                problems.append(
                    "'\(name)' is \(element.rawValue) \(shape) in the file and \(wanted.rawValue) \(type.shape) in the model"
                )
            }
        }
        guard problems.isEmpty else { throw RunError.unfitCheckpoint(path: file.path, problems: problems) }
        for (parameter, name) in sources {
            try file.withBytes(name) { bytes in
                if let parts, parts.isDivided(parameter.name) {
                    try parts.write(parameter.name, partOf: bytes, to: self)
                } else {
                    try write(parameter.name, type: parameter.type) { $0.copyMemory(from: bytes) }
                }
            }
        }
    }

    /// A state with the averages of weights in place of the weights that have one; itself if there are none.
    public func averaged(_ parameters: [Parameter]) throws -> ProgramState {
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
    public var savedNames: [String] { names.filter { !Parameter.isSumOfGradients($0) } }

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
    /// How parameters of the type are kept in files.
    var inFiles: SafetensorsElementType { self == .i32 ? .i32 : self == .bf16 ? .bf16 : .f32 }
}

extension Parameter {
    /// Whether this is where gradients of several batches are added up: zero between updates, so that no checkpoint
    /// holds it.
    fileprivate var isSumOfGradients: Bool { Self.isSumOfGradients(name) }

    fileprivate static func isSumOfGradients(_ name: String) -> Bool { name.hasPrefix("accumulated.") }
}
