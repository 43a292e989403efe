import ApusIR

/// What softmax is taken of in attention: a matmul, times a scale, with masks around it.
struct MaskedScores {
    let dot: Dot
    let factors: [Value]
    let scale: Double
    private(set) var isCausal = false
    private var masks: [Mask] = []
    private let graph: Graph

    private enum Mask {
        /// Where a condition holds, or where it does not, scores stay; elsewhere they are −∞.
        case allowed(Value, Bool)
        case added(Value)
    }

    /// Nil if it is something else, or if parts of it have other readers.
    init?(_ value: Value, _ pattern: Pattern) {
        guard pattern.readers(of: value) == 1 else { return nil }
        if let select = pattern.node(value, as: Select.self)?.operands {
            let isInverted = pattern.number(select[1]) == -.infinity
            guard isInverted || pattern.number(select[2]) == -.infinity,
                let inner = Self(select[isInverted ? 2 : 1], pattern)
            else { return nil }
            self = inner
            if pattern.isCausal(select[0], holds: !isInverted) {
                isCausal = true
            } else {
                masks.append(.allowed(select[0], !isInverted))
            }
        } else if let sum = pattern.node(value, as: Add.self)?.operands {
            for side in 0...1 {
                guard let inner = Self(sum[side], pattern) else { continue }
                self = inner
                masks.append(.added(sum[1 - side]))
                return
            }
            return nil
        } else {
            let (unscaled, scale) = pattern.unscaled(value)
            guard let dot = pattern.onlyRead(unscaled, as: Dot.self) else { return nil }
            (self.dot, factors, self.scale, graph) = (dot.operation, dot.operands, scale, pattern.graph)
        }
    }

    /// All masks but the causal one as one operand of `Attention`; nil if there are none.
    func mask(_ new: (Value) -> Tensor) -> Tensor? {
        var allowed: Tensor?, added: Tensor?
        for mask in masks {
            switch mask {
            case .allowed(let value, let holds):
                let condition = small(value, new)
                let (yes, no) = (condition.constant(1), condition.constant(0))
                // What was allowed so far, where this holds, too.
                allowed =
                    holds
                    ? allowed.map { select(condition, $0, no) } ?? condition : select(condition, no, allowed ?? yes)
            case .added(let value):
                let numbers = small(value, new)
                added = added.map { $0 + numbers } ?? numbers
            }
        }
        guard let added else { return allowed }
        return allowed.map { select($0, added, added.constant(-.infinity)) } ?? added
    }

    /// A mask with extents of 1 where it is repeated, so that it is stored as small as it is.
    private func small(_ value: Value, _ new: (Value) -> Tensor) -> Tensor {
        guard let broadcast = graph[value].operation as? Broadcast else { return new(value) }
        let source = new(graph[value].operands[0])
        var shape = [Int](repeating: 1, count: broadcast.shape.count)
        for (axis, extent) in zip(broadcast.axes, source.shape) { shape[axis] = extent }
        return source.reshape(shape)
    }
}

extension Pattern {
    /// Probabilities before dropout, and that dropout with its key, if there is one.
    func undropped(_ value: Value) -> (probabilities: Value, dropout: (how: AttentionDropout, key: Value)?) {
        guard let select = onlyRead(value, as: Select.self)?.operands, number(select[2]) == 0,
            let compare = node(select[0], as: Compare.self), compare.operation.direction == .less,
            let drawn = node(compare.operands[0], as: RandomUniform.self), let keep = number(compare.operands[1])
        else { return (value, nil) }
        let (probabilities, factor) = unscaled(select[1])
        guard keep > 0, keep < 1, abs(keep * factor - 1) < 1e-6 else { return (value, nil) }
        return (
            probabilities, (AttentionDropout(keep: keep, stream: drawn.operation.stream), drawn.operands[0])
        )
    }

    /// Whether a value is a softmax, or computed from one element by element, of scores that come from a matmul.
    func isAttentionMap(_ value: Value) -> Bool {
        guard let softmax = first(behind: value, where: { graph[$0].operation is Softmax }) else { return false }
        return first(behind: graph[softmax].operands[0]) { graph[$0].operation is Dot } != nil
    }

    /// What keeps scores from being those of attention.
    func obstacle(_ value: Value) -> String? {
        guard readers(of: value) == 1 else { return "others read the scores, too" }
        let node = graph[value]
        switch node.operation {
        case is Dot: return nil
        case is Multiply, is Divide:
            let (inner, _) = unscaled(value)
            guard inner != value else { return "\(node.operation.name) lies between the scores and softmax" }
            return graph[inner].operation is Dot ? obstacle(inner) : "its scale comes after its mask, not before"
        case is Select:
            guard let number = node.operands.dropFirst().lazy.compactMap(number).first else {
                return "select lies between the scores and softmax"
            }
            guard number == -.infinity else { return "its mask has \(number) in place of -inf" }
        case is Add: break
        default: return "\(node.operation.name) lies between the scores and softmax"
        }
        return node.operands.lazy.filter { first(behind: $0) { graph[$0].operation is Dot } != nil }
            .compactMap(obstacle).first
    }

    /// The nearest such value through element-wise operations, or the value itself.
    private func first(behind value: Value, depth: Int = 6, where isWanted: (Value) -> Bool) -> Value? {
        if isWanted(value) { return value }
        guard depth > 0, graph[value].operation.kind == .elementwise else { return nil }
        for operand in graph[value].operands {
            if let found = first(behind: operand, depth: depth - 1, where: isWanted) { return found }
        }
        return nil
    }

    /// Whether a condition [..., n, m] holds (or does not) exactly where the index along the last axis is no larger
    /// than that along the one before.
    func isCausal(_ condition: Value, holds: Bool) -> Bool {
        let rank = graph[condition].type.rank
        return rank >= 2 && isOrder(condition, rank - 2, rank - 1, holds)
    }

    private func isOrder(_ condition: Value, _ row: Int, _ column: Int, _ holds: Bool) -> Bool {
        switch graph[condition].operation {
        case let broadcast as Broadcast:
            guard
                let inner = (broadcast.axes.firstIndex(of: row), broadcast.axes.firstIndex(of: column)) as? (Int, Int),
                graph[graph[condition].operands[0]].type.shape[inner.0] == broadcast.shape[row],
                graph[graph[condition].operands[0]].type.shape[inner.1] == broadcast.shape[column]
            else { return false }
            return isOrder(graph[condition].operands[0], inner.0, inner.1, holds)
        case let compare as Compare:
            let axes = graph[condition].operands.map(countedAxis)
            return switch compare.direction {
            case .lessEqual: holds && axes == [column, row]
            case .greaterEqual: holds && axes == [row, column]
            case .greater: !holds && axes == [column, row]
            case .less: !holds && axes == [row, column]
            case .equal, .notEqual: false
            }
        default: return false
        }
    }

    /// The axis whose index a value is; nil if it is something else.
    private func countedAxis(_ value: Value) -> Int? {
        let node = graph[value]
        switch node.operation {
        case let iota as Iota: return iota.axis
        case let broadcast as Broadcast:
            guard let inner = countedAxis(node.operands[0]) else { return nil }
            let axis = broadcast.axes[inner]
            return graph[node.operands[0]].type.shape[inner] == broadcast.shape[axis] ? axis : nil
        case is Reshape:
            // Axes of extent 1 that come or go leave the others as they are.
            let source = graph[node.operands[0]].type.shape, target = node.type.shape
            func long(_ shape: [Int]) -> [Int] { shape.indices.filter { shape[$0] != 1 } }
            guard let inner = countedAxis(node.operands[0]), let place = long(source).firstIndex(of: inner),
                source.filter({ $0 != 1 }) == target.filter({ $0 != 1 })
            else { return nil }
            return long(target)[place]
        default: return nil
        }
    }
}
