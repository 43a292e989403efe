import ApusIR

/// A tensor that all ranks add up, element by element, in the place where it lies.
public struct RankSum: Hashable, Sendable, Codable {
    /// Which of the program's sums it is, in the order in which they begin, from 0; the same on all ranks.
    public var number: Int
    /// Where the elements lie, one after the other: before, those of this rank, afterwards the sums.
    public var location: Location
    /// What is added up, of floating point.
    public var type: TensorType

    /// A sum by its number, and of what.
    public init(number: Int, location: Location, type: TensorType) {
        (self.number, self.location, self.type) = (number, location, type)
    }
}

extension RankSum: CustomStringConvertible {
    public var description: String { "sum \(number) over ranks of \(type) at \(location)" }
}
