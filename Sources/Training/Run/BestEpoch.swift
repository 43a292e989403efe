/// How the best epoch so far did in validation.
public struct BestEpoch: Hashable, Sendable {
    /// Counted from 0.
    public let epoch: Int
    /// What epochs are compared by, such as the accuracy.
    public let score: Double
    /// The loss of the validation, by which equal scores are told apart.
    public let loss: Double

    /// The higher score is better; of equal ones the lower loss.
    public func isBetter(than other: BestEpoch) -> Bool { (score, -loss) > (other.score, -other.loss) }

    /// What a checkpoint keeps of it.
    public var metadata: [String: String] {
        ["best_epoch": String(epoch), "best_score": String(score), "best_loss": String(loss)]
    }

    /// An epoch with its score and loss.
    public init(epoch: Int, score: Double, loss: Double) { (self.epoch, self.score, self.loss) = (epoch, score, loss) }

    /// Reads what ``metadata`` has written; nil if there is none.
    public init?(_ metadata: [String: String]) {
        guard let epoch = metadata["best_epoch"].flatMap({ Int($0) }),
            let score = metadata["best_score"].flatMap({ Double($0) }),
            let loss = metadata["best_loss"].flatMap({ Double($0) })
        else { return nil }
        self.init(epoch: epoch, score: score, loss: loss)
    }
}
