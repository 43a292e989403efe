/// Interpolation along one axis to another extent: each row of the result is a weighted sum of a few rows of the
/// operand.
public struct Interpolation: CompositeOperation, DifferentiableOperation {
    public static let name = "interpolate"
    public static let kind = OperationKind.composite(.other)

    /// Where element i of `size` lies among the n of the operand.
    public enum Rule: String, Hashable, Sendable, CaseIterable {
        /// At i · (n − 1) / (size − 1), linearly: the first and the last element stay what they are.
        case alignedCorners
        /// At (i + 1/2) · n / size − 1/2, linearly, but not before the first element.
        case pixelCentres
        /// At ⌊i · n / size⌋, one element.
        case nearest
        /// From ⌊i · n / size⌋ to below ⌈(i + 1) · n / size⌉, the mean: adaptive pooling.
        case average
    }
    /// The axis whose extent changes.
    public var axis: Int
    /// Extent of the result along the axis.
    public var size: Int
    /// Where the elements of the result lie among those of the operand.
    public var rule: Rule

    /// The interpolation of an axis to an extent.
    public init(axis: Int, size: Int, rule: Rule) {
        self.axis = axis
        self.size = size
        self.rule = rule
    }

    public var attributes: Attributes {
        [("axis", .integer(axis)), ("size", .integer(size)), ("rule", .text(rule.rawValue))]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        axis = try attributes.integer("axis")
        size = try attributes.integer("size")
        let text = try attributes.text("rule")
        guard let rule = Rule(rawValue: text) else {
            throw GraphError(
                .syntax, operation: Self.name,
                "unknown rule '\(text)'; there are \(Rule.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.rule = rule
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        try expect(axis: axis, rank: operands[0].rank)
        guard 1...RowMixing.largest ~= size else {
            throw error(.attribute, "the size \(size) is not from 1 to \(RowMixing.largest)")
        }
        var shape = operands[0].shape
        shape[axis] = size
        return operands[0].with(shape: shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let x = operands[0], count = x.shape[axis]
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, place in
            func element(_ row: Int) -> Double {
                var index = index
                index[axis] = min(row, count - 1)
                return x.values[ApusIR.position(index, x.strides)]
            }
            func linear(_ position: Double) -> Double {
                let position = min(max(position, 0), Double(count - 1)), lower = Int(position)
                let share = position - Double(lower)
                return (1 - share) * element(lower) + share * element(lower + 1)
            }
            let i = Double(index[axis]), ratio = Double(count) / Double(size)
            result.values[place] =
                switch rule {
                case .alignedCorners: linear(size > 1 ? i * Double(count - 1) / Double(size - 1) : 0)
                case .pixelCentres: linear((i + 0.5) * ratio - 0.5)
                case .nearest: element(Self.nearest(index[axis], of: size, extent: count))
                case .average:
                    Self.part(index[axis], of: size, extent: count).map(element).reduce(0, +)
                        / Double(Self.part(index[axis], of: size, extent: count).count)
                }
        }
        return result
    }

    /// The elements of which part `number` of `count` consists, if an extent is shared out.
    static func part(_ number: Int, of count: Int, extent: Int) -> Range<Int> {
        number * extent / count..<((number + 1) * extent + count - 1) / count
    }

    /// The element that is nearest, computed in f32 as PyTorch does.
    static func nearest(_ number: Int, of count: Int, extent: Int) -> Int {
        min(Int((Float(number) * (Float(extent) / Float(count))).rounded(.down)), extent - 1)
    }

    private func mixing(from count: Int) -> RowMixing { .interpolation(from: count, to: size, rule) }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        along(operands[0]) { $0.mixed(mixing(from: operands[0].shape[axis])) }
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let count = context.operands[0].shape[axis]
        return [along(context.seed) { $0.mixed(mixing(from: count).transposed(rows: count)) }]
    }

    /// Applies a function of rows to a tensor whose rows go along the axis.
    private func along(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor {
        let others = x.shape.indices.filter { $0 != axis }
        return function(x.transpose([axis] + others)).transpose(Transpose([axis] + others).inverse).copied()
    }
}

/// [n, c, spatial...] resized to [n, c, size...] by linear interpolation along each axis, as PyTorch's `interpolate`
/// with the modes `linear`, `bilinear` and `trilinear`.
///
/// - Parameter alignCorners: Whether the outermost elements stay where they are; otherwise the edges of their areas do.
public func linearResized(
    _ x: Tensor, size: any PerAxis, alignCorners: Bool = false, file: String = #fileID, line: Int = #line
) -> Tensor {
    resized(x, size, alignCorners ? .alignedCorners : .pixelCentres, "linearResized", x.builder.location(file, line))
}

/// [n, c, spatial...] resized to [n, c, size...] by taking the nearest element, as PyTorch's `interpolate` with the
/// mode `nearest`.
public func nearestResized(_ x: Tensor, size: any PerAxis, file: String = #fileID, line: Int = #line) -> Tensor {
    resized(x, size, .nearest, "nearestResized", x.builder.location(file, line))
}

private func resized(
    _ x: Tensor, _ size: any PerAxis, _ rule: Interpolation.Rule, _ operation: String, _ place: SourceLocation?
) -> Tensor {
    guard x.isValid else { return x }
    guard x.rank > 2, let sizes = size.values(axes: x.rank - 2) else {
        return x.mistake(
            operation,
            "takes [n,c,spatial...] and a size for each spatial axis, has \(shapeText(x.shape)) and \(perAxisText(size))",
            at: place)
    }
    return x.within(operation, at: place) {
        sizes.enumerated().reduce(x) { result, entry in
            let axis = entry.offset + 2
            guard result.isValid, result.shape[axis] != entry.element else { return result }
            return result.builder.add(Interpolation(axis: axis, size: entry.element, rule: rule), [result])
        }
    }
}
