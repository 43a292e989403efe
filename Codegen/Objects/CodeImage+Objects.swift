import ApusRuntime

extension CodeImage {
    /// Links relocatable object files, which may use each other's functions, into an image.
    ///
    /// Kernels call nothing else and have no variables, so that all that is left to do is to lay out their sections,
    /// and to write down how far they are apart. Throws `ObjectError` for anything that needs more.
    package init(linking objects: [ObjectFile]) throws(ObjectError) {
        var linker = ObjectLinker()
        for object in objects { try linker.add(object) }
        try linker.relocate()
        self.init(bytes: linker.image, functions: linker.functions)
    }
}

private struct ObjectLinker {
    private(set) var image: [UInt8] = []
    /// Places of symbols that other objects may name.
    private(set) var functions: [String: Int] = [:]
    /// Each object with the places of its sections.
    private var objects: [(file: ObjectFile, places: [Int: Int])] = []

    mutating func add(_ file: ObjectFile) throws(ObjectError) {
        if let first = objects.first?.file, first.machine != file.machine {
            throw ObjectError("object code for two kinds of machines")
        }
        var places: [Int: Int] = [:]
        for section in file.sections {
            // Code begins at a cache line.
            let alignment = section.isCode ? max(64, section.alignment) : section.alignment
            image += [UInt8](repeating: 0, count: (alignment - image.count % alignment) % alignment)
            places[section.number] = image.count
            image += section.content
        }
        for symbol in file.symbols where symbol.isGlobal {
            guard let place = place(of: symbol, places) else { continue }
            guard functions.updateValue(place, forKey: symbol.name) == nil else {
                throw ObjectError("'\(symbol.name)' is defined twice")
            }
        }
        objects.append((file, places))
    }

    private func place(of symbol: ObjectFile.Symbol, _ places: [Int: Int]) -> Int? {
        guard let section = symbol.section, let start = places[section] else { return nil }
        return start + symbol.value
    }

    mutating func relocate() throws(ObjectError) {
        for (file, places) in objects {
            for relocation in file.relocations { try relocate(relocation, file, places) }
        }
    }

    private mutating func relocate(
        _ relocation: ObjectFile.Relocation, _ file: ObjectFile, _ places: [Int: Int]
    ) throws(ObjectError) {
        guard file.symbols.indices.contains(relocation.symbol), let section = places[relocation.section] else {
            throw ObjectError("a relocation of nothing")
        }
        let symbol = file.symbols[relocation.symbol]
        guard let target = place(of: symbol, places) ?? functions[symbol.name] else {
            throw ObjectError("'\(symbol.name)' is not defined")
        }
        let place = section + relocation.place
        guard place >= 0, place <= image.count - 4 else { throw ObjectError("a relocation outside of its section") }
        let old = image[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        let new: UInt32?
        if let kind = X86Relocation(rawValue: relocation.kind), file.machine == X86Relocation.machine {
            new = kind.field(place: place, target: target &+ relocation.addend)
        } else if let kind = ARM64Relocation(rawValue: relocation.kind), file.machine == ARM64Relocation.machine {
            new = kind.field(old, place: place, target: target &+ relocation.addend)
        } else {
            throw ObjectError("a relocation of kind \(relocation.kind) for machine \(file.machine) is not known")
        }
        guard let new else { throw ObjectError("'\(symbol.name)' is out of reach") }
        withUnsafeBytes(of: new.littleEndian) { image.replaceSubrange(place..<place + 4, with: $0) }
    }
}
