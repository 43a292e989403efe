import ApusLLVM

/// Dropout of probabilities: random numbers are drawn where they are needed, forward and again backward, and none is
/// stored.
extension AttentionEmitter {
    /// The key and the stream of the random numbers, each in all lanes.
    struct Draw {
        let key: [LLVMValue], stream: LLVMValue
    }

    /// Reads key and stream; nil if nothing is dropped.
    func loadDraw() -> Draw? {
        guard let dropout = kernel.dropout else { return nil }
        func word(_ argument: Int, _ place: Int) -> LLVMValue {
            builder.splat(
                builder.load(module.i32, arguments[argument], byteOffset: integer(4 * place), align: 4), lanes)
        }
        return Draw(
            key: [0, 1].map { word(kernel.keyArgument, dropout.keyOffset + $0) },
            stream: word(kernel.keyArgument + 1, 0))
    }

    /// Lanes of a row's probabilities, from `start` on, that are kept; nil if nothing is dropped.
    func kept(_ row: Row, _ start: LLVMValue) -> LLVMValue? {
        guard let dropout = kernel.dropout, let draw else { return nil }
        let query = builder.add(builder.mul(row.strip.head, integer(kernel.n)), row.query)
        let key = builder.add(row.strip.keys.first, start)
        let first = builder.trunc(builder.add(builder.mul(query, integer(kernel.m)), key), module.i32)
        let index = builder.add(builder.splat(first, lanes), builder.iota(lanes, module.i32))
        let drawn = builder.uniform(index: index, stream: draw.stream, key: draw.key)
        return builder.fcmp(.olt, drawn, builder.float(dropout.threshold, sumType))
    }

    /// Probabilities, or their gradients, where they are kept, divided by the chance of that; zeros elsewhere.
    func dropped(_ value: LLVMValue, _ kept: LLVMValue?) -> LLVMValue {
        guard let dropout = kernel.dropout, let kept else { return value }
        return builder.select(
            kept, builder.fmul(value, builder.float(dropout.factor, sumType)), builder.zero(sumType))
    }
}
