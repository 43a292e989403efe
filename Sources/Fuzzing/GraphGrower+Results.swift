import ApusIR
import ApusTransforms

extension GraphGrower {
    /// Values in the pool that no node uses; at least the last one.
    private func tips() -> [Grown] {
        let used = Set(builder.graph.nodes.flatMap(\.operands))
        let tips = pool.filter { !used.contains($0.tensor.value) && !builder.graph[$0.tensor.value].isLeaf }
        return tips.isEmpty ? [pool[pool.count - 1]] : tips
    }

    private func declareOutputs(_ tips: [Grown]) {
        for (index, tip) in tips.enumerated() { builder.output("y\(index)", tip.tensor) }
        for (index, tensor) in integers.suffix(3).enumerated() { builder.output("integers\(index)", tensor) }
    }

    private var parameters: [Tensor] { builder.graph.parameters.map { builder.tensor($0.value) } }

    mutating func finished() throws -> Graph {
        declareOutputs(tips())
        // As batch normalisation keeps means, where there is something of the same shape.
        for parameter in parameters where random.chance(0.5) {
            let fitting = pool.filter { $0.tensor.type == parameter.type && $0.tensor.value != parameter.value }
            guard let x = fitting.randomElement(using: &random) else { continue }
            builder.update(parameter, with: parameter * 0.75 + x.tensor * 0.25)
        }
        return try builder.finish()
    }

    mutating func finishedWithGradients() throws -> Graph {
        let tips = tips()
        declareOutputs(tips)
        var loss = tips[0].tensor.constant(0.25)
        for tip in tips { loss = loss + mean(tip.tensor * input(.f32, tip.tensor.shape)) }
        builder.output("loss", loss)
        let traced = try builder.finish()
        let inputs = traced.inputs.filter { $0.operation.type.element == .f32 }.map(\.value)
        let weights = traced.parameters.map(\.value)
        let differentiated = try differentiate(traced, loss: loss.value, withRespectTo: inputs + weights)
        let whole = GraphBuilder(extending: differentiated.graph)
        let gradients = differentiated.gradients.map { $0.map(whole.tensor) }
        for (input, gradient) in zip(traced.inputs.filter { $0.operation.type.element == .f32 }, gradients) {
            if let gradient { whole.output("gradient.\(input.operation.name)", gradient) }
        }
        let pairs = zip(weights, gradients.dropFirst(inputs.count))
        var learned = pairs.compactMap { weight, gradient in gradient.map { (whole.tensor(weight), $0) } }
        if random.chance(0.3) { learned = clipped(learned) }
        for (weight, gradient) in learned { appendUpdate(of: weight, gradient, whole) }
        return try whole.finish()
    }

    /// Gradients that are scaled down together where they are long.
    private func clipped(_ learned: [(Tensor, Tensor)]) -> [(Tensor, Tensor)] {
        let squares = learned.filter { $0.1.rank > 0 }.map { _, gradient in
            sum(gradient * gradient, axes: Array(gradient.shape.indices))
        }
        guard let first = squares.first else { return learned }
        let length = sqrt(squares.dropFirst().reduce(first) { $0 + $1 } + 1e-3)
        let scale = minimum(2.0 / length, 1.0)
        return learned.map { ($0.0, $0.1 * scale) }
    }

    /// One step of an optimizer: plain, with momentum, or with both moments.
    private mutating func appendUpdate(of weight: Tensor, _ gradient: Tensor, _ builder: GraphBuilder) {
        guard let name = (builder.graph[weight.value].operation as? Parameter)?.name else { return }
        func state(_ kind: String) -> Tensor {
            builder.parameter(Parameter("\(kind).\(name)", weight.type, .zeros, trainable: false))
        }
        switch random.integer(0...2) {
        case 0: builder.update(weight, with: weight - gradient * 0.1)
        case 1:
            let momentum = state("momentum"), moved = momentum * 0.9 + gradient
            builder.update(momentum, with: moved)
            builder.update(weight, with: weight * 0.99 - moved * 0.1)
        default:
            let first = state("first"), second = state("second")
            let mean = first * 0.9 + gradient * 0.1
            // Random numbers stand in the state at first: squares are made of them before they are taken for such.
            let square = second * second * 0.9 + gradient * gradient * 0.1
            builder.update(first, with: mean)
            builder.update(second, with: square)
            builder.update(weight, with: weight - mean * 0.1 / (sqrt(square) + 0.5))
        }
    }
}
