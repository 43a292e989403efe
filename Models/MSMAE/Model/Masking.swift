import Apus

/// Which patches the encoder sees, which the decoder has to predict, and which nobody looks at.
public enum Masking: String, Hashable, Sendable, CaseIterable {
    /// All patches are equally likely to be masked; none is thrown away.
    case random
    /// Patches are drawn by weights: the first are masked, the next thrown away, the rest kept.
    case attention
}

/// How many patches of an image are masked, thrown away and kept.
struct MaskingSplit: Hashable, Sendable {
    let masked: Int, thrown: Int, kept: Int
}

extension Configuration {
    /// The numbers of patches, rounded down as the public code does it.
    func split(_ masking: Masking) -> MaskingSplit {
        func count(_ ratio: Double) -> Int { Int(Double(tokens) * ratio) }
        switch masking {
        case .random:
            let kept = count(1 - randomMaskRatio)
            return MaskingSplit(masked: tokens - kept, thrown: 0, kept: kept)
        case .attention:
            let masked = count(maskRatio), hidden = count(maskRatio + throwRatio)
            return MaskingSplit(masked: masked, thrown: hidden - masked, kept: tokens - hidden)
        }
    }

    /// Tokens that the encoder works on, the class token included: of the patches that a masking keeps, or of all if
    /// nil.
    public func encoderTokens(_ masking: Masking?) -> Int { 1 + (masking.map { split($0).kept } ?? tokens) }
}

/// Where the order of the patches comes from.
public enum PermutationSource: Hashable, Sendable {
    /// Drawn in the graph; inputs `random_key` i32[2] and, for attention masking, `mask_weights` [batch, tokens].
    case drawn
    /// Given by the input `ids_shuffle` i32 [batch, tokens], to replay a recorded step.
    case replayed
}

/// The patches of a batch in a drawn order, and what the order makes of them.
struct PatchSelection {
    let masking: Masking
    let split: MaskingSplit
    private let batch: Int, tokens: Int
    /// Patch at each place of the order, i32 [batch, tokens].
    let order: Tensor
    /// Place of each patch in the order, i32 [batch, tokens].
    let places: Tensor

    init(_ configuration: Configuration, _ masking: Masking, _ source: PermutationSource, batch: Int) {
        self.masking = masking
        split = configuration.split(masking)
        (self.batch, tokens) = (batch, configuration.tokens)
        order = Self.order(masking, source, shape: [batch, tokens])
        places = argsort(order.cast(.float32))
    }

    private static func order(_ masking: Masking, _ source: PermutationSource, shape: [Int]) -> Tensor {
        guard source == .drawn else { return Input("ids_shuffle", shape, .int32) }
        let uniform = randomUniform(shape, key: Input("random_key", [2], .int32), stream: 0)
        switch masking {
        case .random: return argsort(uniform)
        // An exponential race: the first arrivals are a draw without replacement by these weights; a weight of 0 comes
        // last.
        case .attention: return argsort(-log(uniform) / Input("mask_weights", shape))
        }
    }

    /// Places of the order that are kept, and places that are thrown away.
    private var keptPlaces: Range<Int> { masking == .random ? 0..<split.kept : tokens - split.kept..<tokens }
    private var thrownPlaces: Range<Int> {
        masking == .random ? tokens..<tokens : split.masked..<split.masked + split.thrown
    }

    private var maskedPlaces: Range<Int> { masking == .random ? split.kept..<tokens : 0..<split.masked }

    /// The patches that the encoder sees, i32 [batch, kept].
    var kept: Tensor { order.slice(keptPlaces, axis: 1) }

    /// 1 for patches whose place lies in a range, 0 for others.
    private func isIn(_ range: Range<Int>) -> Tensor {
        let isBelow = less(places, places.constant(Double(range.upperBound))).cast(.float32)
        return select(greaterEqual(places, places.constant(Double(range.lowerBound))), isBelow, isBelow.constant(0))
    }

    /// 0 for kept, 1 for masked, −1 for thrown patches: [batch, tokens], patches in the order of the image.
    var mask: Tensor { 1 - isIn(keptPlaces) - isIn(thrownPlaces) * 2 }

    /// Puts rows of tokens that are in the drawn order into the order of the image: [batch, tokens, ...] -> the same.
    func inImageOrder(_ x: Tensor) -> Tensor { gather(x, places, batch: 1) }

    /// One row for each patch of the drawn order: rows of the kept ones, `filler` [1, 1, n] for the others.
    func fill(kept rows: Tensor, with filler: Tensor) -> Tensor {
        guard filler.isValid else { return filler }
        let others = filler.broadcast(to: [batch, tokens - split.kept, filler.shape[2]])
        return concatenate(masking == .random ? [rows, others] : [others, rows], axis: 1)
    }

    /// The patches that are not thrown away, in the order of the image: i32 [batch, kept + masked]; nil if that is all.
    var visible: Tensor? {
        guard split.thrown > 0 else { return nil }
        // Sorting is stable: those that stay come first, in the order of the image.
        return argsort(isIn(thrownPlaces)).slice(0..<tokens - split.thrown, axis: 1)
    }

    /// Rows of the masked patches among those of the visible ones, both in the order of the image: [batch, visible, n]
    /// -> [batch, masked, n].
    func masked(_ rows: Tensor) -> Tensor {
        var masked = isIn(maskedPlaces)
        if let visible { masked = gather(masked, visible, batch: 1) }
        return gather(rows, argsort(-masked).slice(0..<split.masked, axis: 1), batch: 1)
    }

    /// Rows of the visible patches in the order of the image, with rows of zeros for the others: [batch, visible, n] ->
    /// [batch, tokens, n].
    func spread(_ rows: Tensor) -> Tensor {
        guard let visible, rows.isValid else { return rows }
        return scatterAdd(rows, at: visible, rows: tokens, batch: 1)
    }
}
