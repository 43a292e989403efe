import ApusIR
import ApusLLVM

/// Loads whose lanes lie a few elements apart, or come from a few places in turn: read as vectors, and put in order by
/// shuffles, which takes a fraction of the time of a read for each lane.
extension BodyEmitter {
    /// Lanes that lie `step` elements apart: vectors that cover all of them, and nothing beyond the last. Those that
    /// are masked are `otherwise`, or zero.
    func loadStrided(
        _ pointer: LLVMValue, byteOffset first: LLVMValue, _ element: ElementType, step: Int, mask: LLVMValue?,
        otherwise: LLVMValue? = nil
    ) -> LLVMValue {
        guard step > 1, lanes > 1 else {
            return loadVector(pointer, byteOffset: first, element, lanes: lanes, mask: mask, otherwise: otherwise)
        }
        let last = step * (lanes - 1)
        var result: LLVMValue?, covered = 0
        while covered <= last {
            let start = min(covered, last + 1 - lanes)
            // What lies between is not read where lanes are masked: it may not be there.
            let partMask = mask.map { mask in
                let places = (start..<start + lanes).map { $0 % step == 0 ? $0 / step : lanes }
                return builder.shuffle(mask, builder.zero(mask.type), places)
            }
            let part = loadVector(
                pointer, byteOffset: builder.add(first, integer(start * element.byteCount)), element, lanes: lanes,
                mask: partMask)
            let isHere = (0..<lanes).map { covered..<start + lanes ~= step * $0 }
            result = builder.shuffle(
                result ?? part, part, (0..<lanes).map { isHere[$0] ? lanes + step * $0 - start : $0 })
            covered = start + lanes
        }
        let values = result ?? builder.zero(vector(memoryType(element)))
        guard let mask, let otherwise else { return values }
        return builder.select(mask, values, otherwise)
    }

    /// The current lanes, which come from two places in turn that lie so many elements apart, side by side in each.
    func loadInTurn(
        _ argument: Int, _ address: IndexExpression, _ element: ElementType, distance: Int, mask: LLVMValue?
    ) -> LLVMValue {
        let half = lanes / 2, first = byteOffset(address, element)
        let parts = (0..<2).map { place in
            loadVector(
                arguments[argument], byteOffset: builder.add(first, integer(place * distance * element.byteCount)),
                element, lanes: half, mask: mask.map { builder.shuffle($0, $0, (0..<half).map { 2 * $0 + place }) })
        }
        return builder.shuffle(parts[0], parts[1], (0..<lanes).map { $0 % 2 * half + $0 / 2 })
    }

    private func loadVector(
        _ pointer: LLVMValue, byteOffset: LLVMValue, _ element: ElementType, lanes: Int, mask: LLVMValue?,
        otherwise: LLVMValue? = nil
    ) -> LLVMValue {
        let type = module.vector(memoryType(element), lanes)
        return mask.map { builder.maskedLoad(type, pointer, byteOffset: byteOffset, mask: $0, otherwise: otherwise) }
            ?? builder.load(type, pointer, byteOffset: byteOffset)
    }
}
