import ApusIR

/// Where a tensor of a program lies.
public struct Location: Hashable, Sendable, Codable {
    /// Whose memory it is.
    public enum Region: Hashable, Sendable, Codable {
        /// The arena. What a run leaves there belongs to the next one only where it was prepared.
        case arena
        /// The numbers of the input of this number in the program's list, where whoever runs the program has them.
        case input(Int)
        /// The parameter of this number in the program's list.
        case parameter(Int)
        /// Numbers that are part of the program.
        case constants
    }
    /// Whose memory it is.
    public var region: Region
    /// Bytes from the beginning of the region.
    public var byteOffset: Int

    /// A place in a region, so many bytes from its beginning.
    public init(_ region: Region, byteOffset: Int = 0) {
        self.region = region
        self.byteOffset = byteOffset
    }

    /// The location so many bytes further on.
    package func offset(by bytes: Int) -> Location { Location(region, byteOffset: byteOffset + bytes) }
}

/// One step of a program: what is computed, from where to where.
public struct Step: Hashable, Sendable, Codable {
    /// What is computed, and by whom.
    public enum Work: Hashable, Sendable, Codable {
        /// The generated kernel of this symbol over `count` tiles, handed out `grain` at a time.
        case kernel(symbol: String, arguments: [Location], count: Int, grain: Int)
        /// Matrix products of the library.
        case matmul(Matmul)
        /// The order of the elements of rows.
        case sort(Sort)
        /// Begins what ranks do together; until it is finished, nothing else touches its elements.
        case begin(Collective)
        /// Waits until that is done.
        case finish(Collective)
    }
    /// Says what was fused, such as `reduce+exp+multiply`.
    public var name: String
    /// What is computed, and by whom.
    public var work: Work
    /// The layer that declared what is computed; empty outside of layers.
    public var path: String
    /// Floating-point operations of matmuls; 0 for other steps.
    public var floatingPointOperations: Int
    /// Bytes read and written if nothing were cached.
    public var bytes: Int

    /// A step with what it computes, who declared that, and what it costs.
    public init(name: String, work: Work, path: String = "", floatingPointOperations: Int = 0, bytes: Int = 0) {
        self.name = name
        self.path = path
        self.work = work
        self.floatingPointOperations = floatingPointOperations
        self.bytes = bytes
    }
}

/// A compiled graph as plain data: steps in order that name their kernels, and where inputs, results and parameters
/// lie.
///
/// It can be written, read back and compared. A ``LoadedProgram`` binds it to code, and a ``ProgramRunner`` to memory;
/// neither needs the graph or LLVM.
public struct Program: Hashable, Sendable, Codable {
    /// A tensor that the program's caller gives or gets, by its name.
    public struct Binding: Hashable, Sendable, Codable {
        /// What the caller calls it.
        public var name: String
        /// Its shape and element type.
        public var type: TensorType
        /// Where it lies.
        public var location: Location
        /// Of an input of indices: what each of them must be below.
        public var below: Int?
        /// Of an input of indices: a number that is allowed beside them.
        public var except: Int?

        /// A name with its type and location.
        public init(name: String, type: TensorType, location: Location, below: Int? = nil, except: Int? = nil) {
            self.name = name
            self.type = type
            self.location = location
            self.below = below
            self.except = except
        }
    }

    /// The name of the graph.
    public var name: String
    /// What is computed, in order.
    public var steps: [Step]
    /// How many of the steps, the first ones, depend on parameters alone, of which no run changes any: they are run
    /// again only when those have changed.
    public var preparationCount: Int
    /// What the caller gives with each run.
    public var inputs: [Binding]
    /// What each run returns.
    public var outputs: [Binding]
    /// What a state holds from run to run, with initialisers.
    public var parameters: [Parameter]
    /// The numbers of the parameters that a run changes, in order; all others are only read.
    public var updates: [Int]
    /// Bytes of the arena that holds intermediate values and results.
    public var arenaBytes: Int
    /// Bytes of scratch memory that a kernel needs on each thread.
    public var scratchBytes: Int
    /// The numbers of the region `constants`, as bytes.
    public var constants: [UInt8]

    /// A program of steps with all that they read and write.
    public init(
        name: String, steps: [Step], preparationCount: Int = 0, inputs: [Binding], outputs: [Binding],
        parameters: [Parameter], updates: [Int], arenaBytes: Int, scratchBytes: Int, constants: [UInt8]
    ) {
        self.name = name
        self.steps = steps
        self.preparationCount = preparationCount
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = parameters
        self.updates = updates
        self.arenaBytes = arenaBytes
        self.scratchBytes = scratchBytes
        self.constants = constants
    }

    /// Whether matmuls are left to the library.
    var usesLibrary: Bool { steps.contains { if case .matmul = $0.work { true } else { false } } }

    /// What is done together with other ranks, in the order in which it begins; a program that has none needs no
    /// others.
    public var collectives: [Collective] {
        steps.compactMap { if case .begin(let collective) = $0.work { collective } else { nil } }
    }

    /// Floating-point operations of all matmuls of one run, for which what depends on parameters alone is there.
    public var floatingPointOperations: Int {
        steps.dropFirst(preparationCount).reduce(0) { $0 + $1.floatingPointOperations }
    }
    /// Bytes of inputs, intermediate values and results.
    public var activationBytes: Int { inputs.reduce(arenaBytes) { $0 + $1.type.byteCount } }
    /// Bytes of the parameters, trainable ones and state.
    public var parameterBytes: Int { parameters.reduce(0) { $0 + $1.type.byteCount } }
}
