import ApusIR

/// What all ranks do together with a tensor, in the place where it lies.
public struct Collective: Hashable, Sendable, Codable {
    /// What becomes of a tensor.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// Each rank has the sum of all ranks' tensors.
        case allReduce = "all_reduce"
        /// The tensor is a part for each rank. Each has the sum of its own parts, at the beginning of the memory; what
        /// the rest is then does not matter.
        case reduceScatter = "reduce_scatter"
        /// The tensor is a part for each rank, of which each has its own at the beginning of the memory. All have all
        /// parts, in the order of the ranks.
        case allGather = "all_gather"
    }
    /// What is done.
    public var kind: Kind
    /// Which of the program's collectives it is, in the order in which they begin, from 0; the same on all ranks.
    public var number: Int
    /// Where the elements of all parts lie, one after the other.
    public var location: Location
    /// All parts, of floating point.
    public var type: TensorType

    /// A collective by its number, and of what.
    public init(_ kind: Kind, number: Int, location: Location, type: TensorType) {
        (self.kind, self.number, self.location, self.type) = (kind, number, location, type)
    }
}

extension Collective: CustomStringConvertible {
    public var description: String { "\(kind.rawValue) \(number) over ranks of \(type) at \(location)" }
}
