/// The general product of two tensors: pairs of batch axes go along, pairs of contracting axes are summed over.
///
/// The axes of the result are the batch axes, then the free axes of the left, then those of the right operand.
/// Sums are kept in f32 at least; with `result` they are handed out as they are, without rounding them to the operands'
/// type.
public struct Dot: Operation, DifferentiableOperation {
    public static let name = "dot"
    public static let kind = OperationKind.contraction
    /// Axes of the left and of the right operand that go along with each other.
    public var leftBatch: [Int], rightBatch: [Int]
    /// Axes of the left and of the right operand that are summed over together.
    public var leftContracting: [Int], rightContracting: [Int]
    /// Element type of the result; nil if it is that of the operands.
    public var result: ElementType?
    /// Whether a back end leaves it to a library rather than to code of its own.
    public var usesLibrary = false

    /// The product that pairs axes in the order in which they are given.
    public init(
        leftBatch: [Int] = [], rightBatch: [Int] = [], leftContracting: [Int], rightContracting: [Int],
        result: ElementType? = nil
    ) {
        self.leftBatch = leftBatch
        self.rightBatch = rightBatch
        self.leftContracting = leftContracting
        self.rightContracting = rightContracting
        self.result = result
    }

    public var attributes: Attributes {
        let axes: Attributes = [
            ("left_batch", .integers(leftBatch)), ("right_batch", .integers(rightBatch)),
            ("left_contracting", .integers(leftContracting)), ("right_contracting", .integers(rightContracting)),
        ]
        return axes + (result.map { [("result", .text($0.rawValue))] } ?? [])
            + (usesLibrary ? [("library", .flag(true))] : [])
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        leftBatch = try attributes.integers("left_batch")
        rightBatch = try attributes.integers("right_batch")
        leftContracting = try attributes.integers("left_contracting")
        rightContracting = try attributes.integers("right_contracting")
        usesLibrary = attributes.contains { $0.name == "library" } ? try attributes.flag("library") : false
        guard attributes.contains(where: { $0.name == "result" }) else { return }
        let text = try attributes.text("result")
        guard let element = ElementType(rawValue: text) else {
            throw GraphError(.attribute, operation: Self.name, "'\(text)' is no element type")
        }
        result = element
    }

    package func leftFree(_ rank: Int) -> [Int] {
        (0..<rank).filter { !leftBatch.contains($0) && !leftContracting.contains($0) }
    }
    package func rightFree(_ rank: Int) -> [Int] {
        (0..<rank).filter { !rightBatch.contains($0) && !rightContracting.contains($0) }
    }

    /// Multiplications and additions of this contraction, counted as two.
    public func floatingPointOperations(_ left: TensorType, _ right: TensorType) -> Int {
        2 * left.count * rightFree(right.rank).map { right.shape[$0] }.reduce(1, *)
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        let (left, right) = (operands[0], operands[1])
        try expectFloat(left)
        guard left.element == right.element else {
            throw error(.elementType, "element types differ: \(left) and \(right)")
        }
        guard leftBatch.count == rightBatch.count, leftContracting.count == rightContracting.count else {
            throw error(.attribute, "batch and contracting axes must come in pairs")
        }
        for (axes, type) in [(leftBatch + leftContracting, left), (rightBatch + rightContracting, right)] {
            for axis in axes { try expect(axis: axis, rank: type.rank) }
            guard Set(axes).count == axes.count else { throw error(.attribute, "axes \(axes) name one twice") }
        }
        for (x, y) in zip(leftContracting, rightContracting) where left.shape[x] != right.shape[y] {
            throw error(
                .shape,
                "inner dimensions \(left.shape[x]) and \(right.shape[y]) differ (\(shapeText(left.shape)) x \(shapeText(right.shape)))"
            )
        }
        for (x, y) in zip(leftBatch, rightBatch) where left.shape[x] != right.shape[y] {
            throw error(
                .shape,
                "batch dimensions \(left.shape[x]) and \(right.shape[y]) differ (\(shapeText(left.shape)) x \(shapeText(right.shape)))"
            )
        }
        if let result, !result.isFloatingPoint {
            throw error(.attribute, "the result is to be \(result), which is not of floating point")
        }
        let free = leftFree(left.rank).map { left.shape[$0] } + rightFree(right.rank).map { right.shape[$0] }
        return TensorType(result ?? left.element, leftBatch.map { left.shape[$0] } + free)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let (left, right) = (operands[0], operands[1])
        let leftAxes = leftBatch + leftFree(left.shape.count)
        let rightAxes = rightFree(right.shape.count)
        let inner = leftContracting.map { left.shape[$0] }
        let leftInner = leftContracting.map { left.strides[$0] },
            rightInner = rightContracting.map { right.strides[$0] }
        var steps: [(Int, Int)] = []
        forEachIndex(inner) { index, _ in steps.append((position(index, leftInner), position(index, rightInner))) }
        let leftStrides = leftAxes.map { left.strides[$0] } + rightAxes.map { _ in 0 }
        let rightStrides =
            rightBatch.map { right.strides[$0] } + leftFree(left.shape.count).map { _ in 0 }
            + rightAxes.map { right.strides[$0] }
        forEachIndex(type.shape) { index, place in
            let x = position(index, leftStrides), y = position(index, rightStrides)
            var sum = 0.0
            for (a, b) in steps { sum += left.values[x + a] * right.values[y + b] }
            result.values[place] = sum
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let (left, right) = (context.operands[0], context.operands[1]),
            seed = context.seed.cast(context.operands[0].element)
        let batch = Array(0..<leftBatch.count)
        let leftFree = leftFree(left.rank), rightFree = rightFree(right.rank)
        let seedLeft = leftFree.indices.map { batch.count + $0 }
        let seedRight = rightFree.indices.map { batch.count + leftFree.count + $0 }

        // seed · rightᵀ has the axes: batch, left free, right contracting in the order of the right operand.
        let forLeft = seed.builder.add(
            Dot(leftBatch: batch, rightBatch: rightBatch, leftContracting: seedRight, rightContracting: rightFree),
            [seed, right])
        let rightOrder = rightContracting.indices.sorted { rightContracting[$0] < rightContracting[$1] }
        let leftAxes = leftBatch + leftFree + rightOrder.map { leftContracting[$0] }

        // seedᵀ · left has the axes: batch, right free, left contracting in the order of the left operand.
        let forRight = seed.builder.add(
            Dot(leftBatch: batch, rightBatch: leftBatch, leftContracting: seedLeft, rightContracting: leftFree),
            [seed, left])
        let leftOrder = leftContracting.indices.sorted { leftContracting[$0] < leftContracting[$1] }
        let rightAxes = rightBatch + rightFree + leftOrder.map { rightContracting[$0] }

        return [forLeft.transpose(Transpose(leftAxes).inverse), forRight.transpose(Transpose(rightAxes).inverse)]
    }
}

/// The general product; see `Dot`.
public func dot(
    _ left: Tensor, _ right: Tensor, batch: [(Int, Int)] = [], contracting: [(Int, Int)],
    file: String = #fileID, line: Int = #line
) -> Tensor {
    let operation = Dot(
        leftBatch: batch.map(\.0), rightBatch: batch.map(\.1),
        leftContracting: contracting.map(\.0), rightContracting: contracting.map(\.1))
    return left.builder.add(operation, [left, right], location: left.builder.location(file, line))
}

/// The matrix product over the last axis of the left and the last but one of the right operand; leading axes are a
/// batch, equal in both.
public func matmul(_ left: Tensor, _ right: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
    left.within("matmul", at: left.builder.location(file, line)) {
        guard left.isValid, right.isValid else { return left.isValid ? right : left }
        guard left.rank >= 2, right.rank == 2 || right.rank == left.rank else {
            return left.builder.report(
                GraphError(
                    .shape, operation: "matmul",
                    "takes [..., n, k] x [k, m] or [..., n, k] x [..., k, m], has \(shapeText(left.shape)) x \(shapeText(right.shape))",
                    location: left.builder.location(file, line)))
        }
        let batch = right.rank == 2 ? [] : (0..<left.rank - 2).map { ($0, $0) }
        return dot(left, right, batch: batch, contracting: [(left.rank - 1, right.rank - 2)], file: file, line: line)
    }
}

/// x · weightᵀ + bias over the last axis: [..., in] x [out, in] -> [..., out], as PyTorch stores its weights.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil, file: String = #fileID, line: Int = #line)
    -> Tensor
{
    x.within("linear", at: x.builder.location(file, line)) {
        let product = dot(x, weight, contracting: [(x.rank - 1, 1)], file: file, line: line)
        return bias.map { product + $0 } ?? product
    }
}
