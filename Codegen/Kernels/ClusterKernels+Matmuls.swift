import ApusIR
import ApusRuntime

extension ClusterKernels {
    /// The kernel of a matmul: the first member is the matmul itself, the others, which work on its result, are its
    /// epilogue.
    ///
    /// `left` says where the operand lies that is not packed: the left one, or the right one if the matmul is computed
    /// as Cᵀ = Bᵀ · Aᵀ since C's columns are contiguous.
    package func matmul(
        _ members: [Value], _ shape: MatmulShape, isTransposed: Bool,
        left: (rows: MatmulKernel.Left, buffer: Int), result: Matmul.Matrix
    ) throws -> KernelCall {
        let value = members[0], operands = graph[value].operands
        let side = isTransposed ? 0 : 1
        let (m, n) = isTransposed ? (shape.n, shape.m) : (shape.m, shape.n)
        let epilogue = try epilogue(members, shape, isTransposed: isTransposed, result)
        let element = graph[operands[0]].type.element
        func kernel(_ right: Prologue) -> MatmulKernel {
            MatmulKernel(
                batch: shape.batch, m: m, n: n, k: shape.k, element: element,
                left: left.rows,
                right: part(right.builder), rightValue: right.result, transposesRight: right.isTransposed,
                epilogue: part(epilogue))
        }
        var right = try right(operands[side], shape, side, isTransposed: false)
        // What lies as it would be packed is read in place, whichever way would be packed better.
        if kernel(right).columnBlocks == nil { right = try better(right, operands[side], shape, side) }
        let kernel = kernel(right)
        let leftBytes = kernel.batchCount * m * shape.k * element.byteCount
        return KernelCall(
            kernel: .matmul(kernel),
            buffers: [left.buffer] + (right.builder.arguments + epilogue.arguments).map(\.buffer),
            count: 0, elementsPerUnit: 0, name: "matmul \(kernel.batchCount)x\(m)x\(n)x\(shape.k)" + suffix(members),
            bytes: leftBytes + bytes(of: right.builder, right.builder.extents.reduce(1, *))
                + bytes(of: epilogue, epilogue.extents.reduce(1, *)),
            floatingPointOperations: kernel.floatingPointOperations)
    }

    private func suffix(_ members: [Value]) -> String {
        members.count > 1 ? " " + name(of: Array(members.dropFirst())) : ""
    }

    private func part(_ builder: KernelBuilder) -> LoopKernel {
        var kernel = LoopKernel(
            form: .part, extents: builder.extents, instructions: builder.instructions, stores: builder.stores,
            arguments: builder.arguments.map(\.type))
        kernel.mergeDimensions()
        return kernel
    }

    /// What computes an element of the operand that is packed, along its columns or along the contracted axis.
    private struct Prologue {
        let builder: KernelBuilder, result: Int
        let isTransposed: Bool
    }

    /// The prologue along columns if those lie side by side in memory, else along the contracted axis if that is less
    /// scattered.
    private func better(_ straight: Prologue, _ operand: Value, _ shape: MatmulShape, _ side: Int) throws -> Prologue {
        guard part(straight.builder).scattering > 0 else { return straight }
        let transposed = try right(operand, shape, side, isTransposed: true)
        return part(transposed.builder).scattering < part(straight.builder).scattering ? transposed : straight
    }

    private func right(_ operand: Value, _ shape: MatmulShape, _ side: Int, isTransposed: Bool) throws -> Prologue {
        let free = shape.free(side), contracting = shape.contracting
        let (rows, columns) = isTransposed ? (free, contracting) : (contracting, free)
        let extents = shape.batch + rows + [columns.reduce(1, *)]
        let prologue = try built(extents, fixed: [extents.count - 1]) { builder, dimensions in
            let outer = try builder.rowIndex(dimensions, shape.batch + rows)
            let inner = try builder.unravel(.dimension(dimensions.last ?? 0), columns)
            let batch = Array(outer.prefix(shape.batch.count)), row = Array(outer.dropFirst(shape.batch.count))
            let index = shape.index(
                side, batch: batch, free: isTransposed ? row : inner, contracting: isTransposed ? inner : row)
            return try builder.element(of: operand, at: index)
        }
        return Prologue(builder: prologue.builder, result: prologue.result, isTransposed: isTransposed)
    }

    /// The epilogue, what is done with the sums: the result is stored if someone else needs it, the other members are
    /// computed from it.
    private func epilogue(_ members: [Value], _ shape: MatmulShape, isTransposed: Bool, _ result: Matmul.Matrix) throws
        -> KernelBuilder
    {
        let value = members[0], rows = shape.free(isTransposed ? 1 : 0),
            columns = shape.free(isTransposed ? 0 : 1).reduce(1, *)
        let extents = shape.batch + rows + [columns]
        return try built(extents, fixed: [extents.count - 1]) { builder, dimensions in
            let flat = try builder.rowIndex(dimensions, shape.batch + [rows.reduce(1, *)])
            let batch = Array(flat.dropLast()), row = flat[flat.count - 1],
                column = IndexExpression.dimension(dimensions.last ?? 0)
            let place = batch + (isTransposed ? [column, row] : [row, column])
            let position = IndexExpression.linear(place, rowMajorStrides(shape.batch + [shape.m, shape.n]))
            let matmul = builder.add(.matmul, .f32)
            builder.computed[value] = matmul
            if isNeeded(value) {
                let storage = Storage(
                    buffer: surroundings.storage(value).buffer, offset: surroundings.storage(value).offset,
                    strides: result.batchStrides + [result.rowStride, result.columnStride])
                builder.store(matmul, to: storage, graph[value].type.element, at: batch + [row, column])
            }
            for member in members.dropFirst() {
                let node = graph[member]
                let place = try builder.unravel(position, node.type.shape)
                let number = try builder.compute(member, at: place)
                if isNeeded(member) {
                    builder.store(number, to: surroundings.storage(member), node.type.element, at: place)
                }
                builder.computed[member] = number
            }
        }.builder
    }
}

extension KernelBuilder {
    /// The index in a shape of the row that all dimensions but the last stand for.
    fileprivate mutating func rowIndex(_ dimensions: [Int], _ shape: [Int]) throws -> [IndexExpression] {
        let row = IndexExpression.linear(
            dimensions.dropLast().map(IndexExpression.dimension), rowMajorStrides(Array(extents.dropLast())))
        return try unravel(row, shape)
    }
}

extension LoopKernel {
    /// How many loads there are whose elements along the innermost dimension do not lie side by side; those that do so
    /// in runs count for as much less as the runs are long.
    fileprivate var scattering: Double {
        let depends = columnDependence
        return instructions.reduce(0) { sum, instruction in
            guard case .load(_, let address, _) = instruction.kind else { return sum }
            let isDynamic = instruction.operands.contains { depends[$0] }
            guard isDynamic || ![nil, 1].contains(address.terms[innermost]) else { return sum }
            guard let places = columnPlaces(of: address) else { return sum + 1 }
            return sum + Double(places.step) / Double(places.run)
        }
    }
}
