import ApusIR
import ApusLLVM

extension Builder {
    /// The first word of a Philox block for the counter (index, stream, 0, 0), as a uniform number; see `Philox` in
    /// ApusIR. All are i32, scalars or vectors alike.
    func uniform(index: LLVMValue, stream: LLVMValue, key: [LLVMValue]) -> LLVMValue {
        let narrow = index.type, lanes = narrow.isVector ? narrow.lanes : nil
        func type(_ element: Type) -> Type { lanes.map { module.vector(element, $0) } ?? element }
        let wide = type(module.i64), float = type(module.f32)
        func product(_ x: LLVMValue, _ factor: UInt32) -> (high: LLVMValue, low: LLVMValue) {
            let full = mul(zext(x, wide), int(Int(factor), wide))
            return (trunc(lshr(full, int(32, wide)), narrow), trunc(full, narrow))
        }
        func word(_ value: UInt32) -> LLVMValue { int(Int(Int32(bitPattern: value)), narrow) }
        var c0 = index, c1 = stream, c2 = zero(narrow), c3 = zero(narrow)
        var (k0, k1) = (key[0], key[1])
        for _ in 0..<Philox.rounds {
            let a = product(c0, Philox.multipliers.0), b = product(c2, Philox.multipliers.1)
            (c0, c1, c2, c3) = (xor(xor(b.high, c1), k0), b.low, xor(xor(a.high, c3), k1), a.low)
            k0 = add(k0, word(Philox.weyl.0))
            k1 = add(k1, word(Philox.weyl.1))
        }
        let bits = uitofp(lshr(c0, int(9, narrow)), float)
        return fmul(fadd(bits, self.float(0.5, float)), self.float(0x1p-23, float))
    }
}
