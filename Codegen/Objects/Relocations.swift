/// What is written into x86-64 code: distances between places (System V Application Binary Interface, AMD64 Supplement,
/// table 4.10).
enum X86Relocation: Int {
    case relative32 = 2, procedure32 = 4

    /// The machine's number in ELF.
    static let machine = 62

    /// The four bytes at a place; nil if they cannot hold the distance.
    func field(place: Int, target: Int) -> UInt32? {
        Int32(exactly: target &- place).map { UInt32(bitPattern: $0) }
    }
}

/// What is written into the instructions of 64-bit ARM (ELF for the Arm 64-bit Architecture, section 5.7). Pages are
/// those of 4 KB, at which an image begins.
enum ARM64Relocation: Int {
    /// A distance as data.
    case relative32 = 261
    /// The distance of pages, in ADRP.
    case page = 275
    /// The place in a page, in ADD, and in loads and stores of 1 to 16 bytes, which count in their own size.
    case addLow12 = 277, access1Low12 = 278, access2Low12 = 284, access4Low12 = 285, access8Low12 = 286
    case access16Low12 = 299
    /// The distance in instructions, in B and in BL.
    case jump26 = 282, call26 = 283

    /// The machine's number in ELF.
    static let machine = 183

    /// The instruction at a place with what it needs of the target; nil if it cannot hold that.
    func field(_ instruction: UInt32, place: Int, target: Int) -> UInt32? {
        switch self {
        case .relative32: return Int32(exactly: target &- place).map { UInt32(bitPattern: $0) }
        case .page:
            let pages = (target >> 12) &- (place >> 12)
            guard (-(1 << 20)..<1 << 20).contains(pages) else { return nil }
            let bits = UInt32(truncatingIfNeeded: pages)
            return instruction & ~(0x3 << 29 | 0x7ffff << 5) | (bits & 0x3) << 29 | (bits >> 2 & 0x7ffff) << 5
        case .addLow12, .access1Low12: return low12(instruction, target, shift: 0)
        case .access2Low12: return low12(instruction, target, shift: 1)
        case .access4Low12: return low12(instruction, target, shift: 2)
        case .access8Low12: return low12(instruction, target, shift: 3)
        case .access16Low12: return low12(instruction, target, shift: 4)
        case .jump26, .call26:
            let distance = target &- place
            guard distance & 3 == 0, (-(1 << 27)..<1 << 27).contains(distance) else { return nil }
            return instruction & ~0x3ff_ffff | UInt32(truncatingIfNeeded: distance >> 2) & 0x3ff_ffff
        }
    }

    private func low12(_ instruction: UInt32, _ target: Int, shift: Int) -> UInt32? {
        let low = UInt32(truncatingIfNeeded: target & 0xfff)
        guard low & ((1 << shift) - 1) == 0 else { return nil }
        return instruction & ~(0xfff << 10) | (low >> shift) << 10
    }
}
