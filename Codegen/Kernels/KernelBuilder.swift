import ApusIR
import ApusTransforms

/// Builds the body of one kernel out of nodes of the graph: follows operands through whatever is computed inside,
/// turning views into index expressions.
package struct KernelBuilder {
    /// Thrown when an index would be simple if a loop dimension were split into two.
    package struct SplitRequest: Error {
        package var dimension: Int
        package var factor: Int
    }

    /// What the builder has to know about the schedule.
    package struct Surroundings {
        package var graph: Graph
        package var isStored: (Value) -> Bool
        package var storage: (Value) -> Storage
        /// The buffer that holds a constant's numbers.
        package var constantBuffer: (Value) -> Int
    }

    package let surroundings: Surroundings
    package let extents: [Int]
    /// Dimensions that a reduction goes along; they cannot be split.
    package let fixedDimensions: Set<Int>
    package private(set) var instructions: [Instruction] = []
    package private(set) var stores: [LoopKernel.Store] = []
    /// The buffer of each argument, and the elements' type.
    package private(set) var arguments: [(buffer: Int, type: ElementType)] = []
    /// Members of the cluster that have been computed.
    package var computed: [Value: Int] = [:]
    private var numbers: [Instruction: Int] = [:]
    private var known: [Key: Int] = [:]
    private var divisions: [Division] = []
    /// What has to hold where tensors are read: elsewhere their indices lie outside.
    private var condition: Int?

    private struct Key: Hashable {
        var value: Value
        var index: [IndexExpression]
        var condition: Int?
    }

    /// An index that had to be divided in the kernel, and the instructions of what came out.
    private struct Division {
        var dividend: IndexExpression
        var divisor: Int
        var quotient: Int, remainder: Int
    }

    private var graph: Graph { surroundings.graph }

    package init(_ surroundings: Surroundings, extents: [Int], fixedDimensions: Set<Int>) {
        self.surroundings = surroundings
        self.extents = extents
        self.fixedDimensions = fixedDimensions
    }

    // MARK: Instructions

    package mutating func add(_ kind: Instruction.Kind, _ type: ElementType) -> Int {
        let instruction = Instruction(kind: kind, type: type)
        if let number = numbers[instruction] { return number }
        instructions.append(instruction)
        numbers[instruction] = instructions.count - 1
        return instructions.count - 1
    }

    package mutating func constant(_ value: Double, _ type: ElementType) -> Int {
        add(.constant(value.bitPattern), type)
    }

    private mutating func argument(_ buffer: Int, _ type: ElementType) -> Int {
        if let position = arguments.firstIndex(where: { $0.buffer == buffer && $0.type == type }) { return position }
        arguments.append((buffer, type))
        return arguments.count - 1
    }

    /// Writes a value of the graph to its place; `index` says which element.
    package mutating func store(
        _ instruction: Int, to storage: Storage, _ type: ElementType, at index: [IndexExpression]
    ) {
        let address = linear(index, storage.strides) + storage.offset
        stores.append(LoopKernel.Store(argument: argument(storage.buffer, type), address: address, value: instruction))
    }

    // MARK: Values of the graph

    /// The instruction that yields one element of a value.
    package mutating func element(of value: Value, at index: [IndexExpression]) throws -> Int {
        if let number = computed[value] { return number }
        let key = Key(value: value, index: index, condition: condition)
        if let number = known[key] { return number }
        let number = surroundings.isStored(value) ? load(value, at: index) : try compute(value, at: index)
        known[key] = number
        return number
    }

    private mutating func load(_ value: Value, at index: [IndexExpression]) -> Int {
        let storage = surroundings.storage(value), type = graph[value].type.element
        let address = linear(index, storage.strides) + storage.offset
        // Where the column does not matter, what is read is there for all of them.
        let isSame = address.terms[extents.count - 1] == nil && address.dynamic.isEmpty
        let number = argument(storage.buffer, type)
        return add(.load(argument: number, address: address, condition: isSame ? nil : condition), type)
    }

    /// The instruction that computes one element of a node from its operands.
    package mutating func compute(_ value: Value, at index: [IndexExpression]) throws -> Int {
        let node = graph[value], operands = node.operands, type = node.type.element
        switch node.operation {
        case let constant as Constant:
            if let splat = constant.splat { return self.constant(splat, type) }
            let place = argument(surroundings.constantBuffer(value), type)
            return add(.load(argument: place, address: linear(index, rowMajorStrides(node.type.shape))), type)
        case let iota as Iota:
            let number = add(.index(index[iota.axis]), .i32)
            return type == .i32 ? number : add(.compute(.cast, [number]), type)
        case let random as RandomUniform:
            let key = try [0, 1].map { try element(of: operands[0], at: [IndexExpression(constant: $0)]) }
            return add(
                .random(stream: random.stream, index: linear(index, rowMajorStrides(node.type.shape)), key: key), .f32)
        case is Copy, is OptimizationBarrier:
            return try element(of: operands[0], at: index)
        case is Reshape:
            return try element(of: operands[0], at: reshaped(index, node.type.shape, to: graph[operands[0]].type.shape))
        case let transpose as Transpose:
            return try element(of: operands[0], at: transpose.inverse.map { index[$0] })
        case let broadcast as Broadcast:
            let source = graph[operands[0]].type.shape
            return try element(
                of: operands[0], at: zip(broadcast.axes, source).map { $0.1 == 1 ? IndexExpression() : index[$0.0] })
        case let slice as Slice:
            return try element(
                of: operands[0], at: index.indices.map { index[$0] * slice.steps[$0] + slice.starts[$0] })
        case let pad as Pad:
            return try padded(pad, operands[0], at: index, type)
        case let windows as Windows:
            let axes = windows.size.count, outer = index.count - 2 * axes
            return try element(
                of: operands[0],
                at: index.prefix(outer)
                    + (0..<axes).map {
                        index[outer + axes + $0] * windows.stride[$0] + index[outer + $0] * windows.steps[$0]
                            + windows.starts[$0]
                    })
        case let gather as Gather:
            return try gathered(gather, operands[0], operands[1], at: index)
        default:
            guard let function = ScalarFunction(node.operation) else {
                throw GraphError(
                    .unsupported, operation: node.operation.name, "there is no kernel for it", location: node.location)
            }
            let parts = try operands.map { try element(of: $0, at: index) }
            return add(.compute(function, parts), type)
        }
    }

    private mutating func gathered(_ gather: Gather, _ source: Value, _ indices: Value, at index: [IndexExpression])
        throws -> Int
    {
        let rank = graph[indices].type.rank
        let rows = graph[source].type.shape[gather.batch]
        var row = try element(of: indices, at: Array(index.prefix(rank)))
        row = add(.compute(.maximum, [row, constant(0, .i32)]), .i32)
        row = add(.compute(.minimum, [row, constant(Double(rows - 1), .i32)]), .i32)
        return try element(
            of: source, at: index.prefix(gather.batch) + [IndexExpression(dynamic: [row: 1])] + index.dropFirst(rank))
    }

    /// Replaces what lies outside by zero. Along the columns, where neighbours are read together, only what lies inside
    /// is read; along other axes a clamped index.
    private mutating func padded(_ pad: Pad, _ source: Value, at index: [IndexExpression], _ type: ElementType) throws
        -> Int
    {
        let shape = graph[source].type.shape
        var inner = index, conditions: [Int] = []
        let outer = condition
        defer { condition = outer }
        for axis in index.indices where pad.low[axis] + pad.high[axis] + pad.interior[axis] > 0 {
            let step = pad.interior[axis] + 1
            let distance = index[axis].terms[extents.count - 1] ?? 0
            if step == 1, IndexExpression.shortSteps ~= distance, index[axis].dynamic.isEmpty {
                inner[axis] = index[axis] + -pad.low[axis]
                let shifted = add(.index(inner[axis]), .i32)
                for inside in [
                    add(.compute(.greaterEqual, [shifted, constant(0, .i32)]), .bool),
                    add(.compute(.less, [shifted, constant(Double(shape[axis]), .i32)]), .bool),
                ] {
                    conditions.append(inside)
                    condition = condition.map { add(.compute(.and, [$0, inside]), .bool) } ?? inside
                }
                continue
            }
            let shifted = add(.index(index[axis] + -pad.low[axis]), .i32)
            let clamped = add(.compute(.maximum, [shifted, constant(0, .i32)]), .i32)
            var place = clamped
            if step > 1 {
                place = add(.compute(.quotient, [clamped, constant(Double(step), .i32)]), .i32)
                let rest = add(.compute(.remainder, [clamped, constant(Double(step), .i32)]), .i32)
                conditions.append(add(.compute(.equal, [rest, constant(0, .i32)]), .bool))
            }
            conditions.append(add(.compute(.greaterEqual, [shifted, constant(0, .i32)]), .bool))
            conditions.append(add(.compute(.less, [place, constant(Double(shape[axis]), .i32)]), .bool))
            place = add(.compute(.minimum, [place, constant(Double(shape[axis] - 1), .i32)]), .i32)
            inner[axis] = IndexExpression(dynamic: [place: 1])
        }
        let number = try element(of: source, at: inner)
        guard !conditions.isEmpty else { return number }
        let isInside = conditions.dropFirst().reduce(conditions[0]) { add(.compute(.and, [$0, $1]), .bool) }
        return add(.compute(.select, [isInside, number, constant(0, type)]), type)
    }

    // MARK: Indices

    /// The index in one shape of the element that has `index` in another, in row-major order.
    package mutating func reshaped(_ index: [IndexExpression], _ shape: [Int], to newShape: [Int]) throws
        -> [IndexExpression]
    {
        var result = newShape.map { _ in IndexExpression() }
        // Axes that hold the same data keep their indices apart from those of others, which may have to be computed.
        for (axes, newAxes) in reshapeGroups(shape, newShape) {
            if let axis = axes.first, let newAxis = newAxes.first, axes.count == 1, newAxes.count == 1 {
                // An extent of 1 has index 0, whatever the arithmetic says.
                if newShape[newAxis] != 1 { result[newAxis] = index[axis] }
            } else {
                let place = linear(axes.map { index[$0] }, rowMajorStrides(axes.map { shape[$0] }))
                for (axis, part) in zip(newAxes, try unravel(place, newAxes.map { newShape[$0] })) {
                    result[axis] = part
                }
            }
        }
        return result
    }

    /// The index in a shape of the element at a linear position.
    package mutating func unravel(_ position: IndexExpression, _ shape: [Int]) throws -> [IndexExpression] {
        var rest = position
        var index: [IndexExpression] = []
        for stride in rowMajorStrides(shape) {
            let (quotient, remainder) = try divide(rest, by: stride)
            index.append(quotient)
            rest = remainder
        }
        // An extent of 1 has index 0, whatever the arithmetic says.
        for axis in shape.indices where shape[axis] == 1 { index[axis] = IndexExpression() }
        return index
    }

    private mutating func divide(_ expression: IndexExpression, by divisor: Int) throws -> (
        IndexExpression, IndexExpression
    ) {
        switch expression.divided(by: divisor, extents: extents) {
        case .exact(let quotient, let remainder): return (quotient, remainder)
        case .split(let dimension, let factor) where !fixedDimensions.contains(dimension):
            throw SplitRequest(dimension: dimension, factor: factor)
        default:
            let number = add(.index(expression), .i32), by = constant(Double(divisor), .i32)
            let quotient = add(.compute(.quotient, [number, by]), .i32),
                remainder = add(.compute(.remainder, [number, by]), .i32)
            divisions.append(Division(dividend: expression, divisor: divisor, quotient: quotient, remainder: remainder))
            return (IndexExpression(dynamic: [quotient: 1]), IndexExpression(dynamic: [remainder: 1]))
        }
    }

    /// Σ index · stride, in which what was divided is whole again where it can be: d · (x / d) + x % d = x.
    private func linear(_ index: [IndexExpression], _ strides: [Int]) -> IndexExpression {
        var sum = IndexExpression.linear(index, strides)
        // The last first: its dividend may be the remainder of an earlier one.
        for division in divisions.reversed() {
            guard let factor = sum.dynamic[division.remainder],
                sum.dynamic[division.quotient] == factor * division.divisor
            else { continue }
            sum.dynamic[division.quotient] = nil
            sum.dynamic[division.remainder] = nil
            sum = sum + division.dividend * factor
        }
        return sum
    }
}
