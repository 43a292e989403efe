import ApusIR
import ApusLLVM

extension BodyEmitter {
    /// Emits an element-wise function for scalars or lanes.
    func emit(_ function: ScalarFunction, _ operands: [Int], of element: ElementType, _ value: (Int) -> LLVMValue)
        -> LLVMValue
    {
        func x() -> LLVMValue { value(operands[0]) }
        func y() -> LLVMValue { value(operands[1]) }
        let source = kernel.instructions[operands[0]].type
        let isFloat = source == .f32 || source == .bf16
        switch function {
        case .negate: return isFloat ? builder.fneg(x()) : builder.sub(builder.zero(x().type), x())
        case .abs: return builder.fabs(x())
        case .exp: return builder.exp(x())
        case .log: return builder.log(x())
        case .sqrt: return builder.sqrt(x())
        case .tanh: return builder.tanh(x())
        case .erf: return builder.erf(x())
        case .sin: return builder.sin(x())
        case .cos: return builder.cos(x())
        case .floor: return builder.floor(x())
        case .add, .subtract:
            if isFloat {
                return fused(function, operands, value)
                    ?? (function == .add ? builder.fadd(x(), y()) : builder.fsub(x(), y()))
            }
            return function == .add ? builder.add(x(), y()) : builder.sub(x(), y())
        case .multiply: return isFloat ? builder.fmul(x(), y()) : builder.mul(x(), y())
        case .divide: return builder.fdiv(x(), y())
        case .maximum: return isFloat ? builder.fmax(x(), y()) : builder.select(builder.icmp(.sgt, x(), y()), x(), y())
        case .minimum: return isFloat ? builder.fmin(x(), y()) : builder.select(builder.icmp(.slt, x(), y()), x(), y())
        case .power: return builder.pow(x(), y())
        case .equal: return isFloat ? builder.fcmp(.oeq, x(), y()) : builder.icmp(.eq, x(), y())
        case .notEqual: return isFloat ? builder.fcmp(.une, x(), y()) : builder.icmp(.ne, x(), y())
        case .less: return isFloat ? builder.fcmp(.olt, x(), y()) : builder.icmp(.slt, x(), y())
        case .lessEqual: return isFloat ? builder.fcmp(.ole, x(), y()) : builder.icmp(.sle, x(), y())
        case .greater: return isFloat ? builder.fcmp(.ogt, x(), y()) : builder.icmp(.sgt, x(), y())
        case .greaterEqual: return isFloat ? builder.fcmp(.oge, x(), y()) : builder.icmp(.sge, x(), y())
        case .select: return builder.select(x(), y(), value(operands[2]))
        case .and: return builder.and(x(), y())
        case .quotient: return builder.udiv(x(), y())
        case .remainder: return builder.urem(x(), y())
        case .cast: return emitCast(x(), from: source, to: element)
        }
    }

    /// a · b ± c in one rounding. Whether it is depends on the expression alone, so that a value that is computed in
    /// two kernels is the same in both.
    private func fused(_ function: ScalarFunction, _ operands: [Int], _ value: (Int) -> LLVMValue) -> LLVMValue? {
        if let factors = kernel.contractedFactors(operands[0]) {
            let addend = value(operands[1])
            return builder.fma(value(factors[0]), value(factors[1]), function == .add ? addend : builder.fneg(addend))
        }
        if let factors = kernel.contractedFactors(operands[1]) {
            let factor = value(factors[0])
            return builder.fma(function == .add ? factor : builder.fneg(factor), value(factors[1]), value(operands[0]))
        }
        return nil
    }

    private func emitCast(_ x: LLVMValue, from source: ElementType, to target: ElementType) -> LLVMValue {
        let wide = x.type.isVector ? vector(type(target)) : type(target)
        switch (source, target) {
        case (.bf16, .f32), (_, source): return x
        case (.f32, .bf16):
            return builder.extendBFloat16(builder.roundToBFloat16(x))
        case (.bool, .f32), (.bool, .bf16): return builder.uitofp(x, wide)
        case (.bool, .i32): return builder.zext(x, wide)
        case (.i32, .f32): return builder.sitofp(x, wide)
        case (.i32, .bf16): return builder.extendBFloat16(builder.roundToBFloat16(builder.sitofp(x, wide)))
        case (.i32, .bool): return builder.icmp(.ne, x, builder.zero(x.type))
        case (_, .bool): return builder.fcmp(.une, x, builder.zero(x.type))
        default: return emitTruncation(x, wide)
        }
    }

    /// f32 to i32 towards zero; what does not fit is clamped, NaN becomes 0.
    private func emitTruncation(_ x: LLVMValue, _ type: Type) -> LLVMValue {
        let low = builder.float(-2_147_483_648, x.type), high = builder.float(2_147_483_648, x.type)
        let isLow = builder.fcmp(.ole, x, low), isHigh = builder.fcmp(.oge, x, high)
        let isInside = builder.and(builder.fcmp(.ogt, x, low), builder.fcmp(.olt, x, high))
        let inside = builder.fptosi(builder.select(isInside, x, builder.zero(x.type)), type)
        let clamped = builder.select(isHigh, builder.int(Int(Int32.max), type), inside)
        return builder.select(isLow, builder.int(Int(Int32.min), type), clamped)
    }
}
