import CLLVM

/// The shapes of tile registers in products of bfloat16: sums [rows, 16] are f32, left factors [rows, units] and right
/// factors [units, 16] are pairs of bfloat16.
package struct TileShape: Hashable {
    package var rows: Int, units: Int

    package init(rows: Int, units: Int) { (self.rows, self.units) = (rows, units) }

    /// The most rows of a tile register, and the most numbers of 32 bits in one.
    package static let mostRows = 16, mostUnits = 16
}

/// Intel's AMX: eight registers of up to 16 rows of 64 bytes, and products of them (Intel 64 and IA-32 Architectures
/// Software Developer's Manual, volume 1, chapter 18). A register is named by its number.
extension Builder {
    /// Gives the registers their shapes, and zeros: first those of sums, then those of left and of right factors.
    package func configureTiles(_ shape: TileShape, sums: Int, lefts: Int, rights: Int) {
        let shapes =
            Array(repeating: (shape.rows, 64), count: sums)
            + Array(repeating: (shape.rows, 4 * shape.units), count: lefts)
            + Array(repeating: (shape.units, 64), count: rights)
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes[0] = 1
        for (number, (rows, rowBytes)) in shapes.enumerated() {
            bytes[16 + 2 * number] = UInt8(rowBytes)
            bytes[48 + number] = UInt8(rows)
        }
        intrinsic("llvm.x86.ldtilecfg", overloads: [], [module.constant(bytes)])
    }

    /// Gives the registers back: a thread that is interrupted need not keep them.
    package func releaseTiles() { intrinsic("llvm.x86.tilerelease", overloads: [], []) }

    /// Fills a register with zeros.
    package func zeroTile(_ number: Int) { intrinsic("llvm.x86.tilezero", overloads: [], [tile(number)]) }

    /// Reads a register's rows, which lie a distance apart.
    package func loadTile(_ number: Int, _ pointer: Value, byteOffset: Int = 0, rowBytes: Int) {
        access("llvm.x86.tileloadd64", number, pointer, byteOffset, rowBytes)
    }

    /// Writes a register's rows a distance apart.
    package func storeTile(_ number: Int, _ pointer: Value, byteOffset: Int = 0, rowBytes: Int) {
        access("llvm.x86.tilestored64", number, pointer, byteOffset, rowBytes)
    }

    /// Adds to each sum [row, column] the products of all pairs of bfloat16 in the row of `left` and the column of
    /// `right`.
    package func multiplyTiles(_ sums: Int, _ left: Int, _ right: Int) {
        intrinsic("llvm.x86.tdpbf16ps", overloads: [], [tile(sums), tile(left), tile(right)])
    }

    private func tile(_ number: Int) -> Value { int(number, module.i8) }

    private func access(_ name: String, _ number: Int, _ pointer: Value, _ byteOffset: Int, _ rowBytes: Int) {
        let address = offset(pointer, bytes: int(byteOffset, module.i64))
        intrinsic(name, overloads: [], [tile(number), address, int(rowBytes, module.i64)])
    }
}
