import ApusIR

/// Signature of a generated kernel: pointers to its tensors, the range of tiles to compute, and scratch memory.
public typealias KernelFunction =
    @convention(c) (
        _ arguments: UnsafePointer<UnsafeMutableRawPointer>, _ begin: Int, _ end: Int,
        _ scratch: UnsafeMutableRawPointer
    ) -> Void

/// Where a tensor of a program lies.
public struct Place: Hashable, Sendable {
    public enum Region: Hashable, Sendable {
        /// The arena that lives for one run.
        case arena
        /// The parameter of this number in the program's list.
        case parameter(Int)
        /// Numbers that are part of the program.
        case constants
    }
    public var region: Region
    public var byteOffset: Int

    public init(_ region: Region, byteOffset: Int = 0) {
        self.region = region
        self.byteOffset = byteOffset
    }
}

/// One step of a program: what is computed, from where to where.
public struct Step: Sendable {
    public enum Work: Sendable {
        /// A generated kernel over `count` tiles, handed out `grain` at a time.
        case kernel(KernelFunction, arguments: [Place], count: Int, grain: Int)
        case product(Product)
        case sort(Sort)
    }
    /// Says what was fused, such as `reduce+exp+multiply`.
    public var name: String
    public var work: Work
    /// Floating-point operations of products; 0 for other steps.
    public var floatingPointOperations: Int
    /// Bytes read and written if nothing were cached.
    public var bytes: Int

    public init(name: String, work: Work, floatingPointOperations: Int = 0, bytes: Int = 0) {
        self.name = name
        self.work = work
        self.floatingPointOperations = floatingPointOperations
        self.bytes = bytes
    }
}

/// A compiled graph: steps in order, and where inputs, results and parameters lie.
///
/// Running one needs neither the graph nor LLVM.
public struct Program: Sendable {
    public struct Binding: Sendable {
        public var name: String
        public var type: TensorType
        public var place: Place

        public init(name: String, type: TensorType, place: Place) {
            self.name = name
            self.type = type
            self.place = place
        }
    }

    public var name: String
    public var steps: [Step]
    public var inputs: [Binding]
    public var outputs: [Binding]
    public var parameters: [Parameter]
    /// Bytes of the arena that holds inputs, intermediate values and results.
    public var arenaBytes: Int
    /// Bytes of scratch memory that a kernel needs on each thread.
    public var scratchBytes: Int
    public var constants: [UInt8]
    /// Keeps the kernels' code loaded.
    private let code: (any Sendable)?

    public init(
        name: String, steps: [Step], inputs: [Binding], outputs: [Binding], parameters: [Parameter],
        arenaBytes: Int, scratchBytes: Int, constants: [UInt8], code: (any Sendable)?
    ) {
        self.name = name
        self.steps = steps
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = parameters
        self.arenaBytes = arenaBytes
        self.scratchBytes = scratchBytes
        self.constants = constants
        self.code = code
    }

    /// Floating-point operations of all products of one run.
    public var floatingPointOperations: Int { steps.reduce(0) { $0 + $1.floatingPointOperations } }
    /// Bytes of the parameters, trainable ones and state.
    public var parameterBytes: Int { parameters.reduce(0) { $0 + $1.type.byteCount } }
}
