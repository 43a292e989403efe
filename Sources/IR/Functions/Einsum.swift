/// Sums of products in Einstein's notation, as PyTorch's `einsum`: `einsum("bnd,md->bnm", x, w)`.
///
/// Each operand has a letter for each axis; the letters after the arrow are the axes of the result, and those that are
/// not there are summed over. Without an arrow they are, in alphabetical order, those that occur once. A letter that an
/// operand has twice takes its diagonal. Operands are multiplied from left to right.
public func einsum(_ equation: String, _ operands: Tensor..., file: String = #fileID, line: Int = #line) -> Tensor {
    guard let first = operands.first else {
        let error = GraphError(
            .structure, operation: "einsum", "there are no operands", location: SourceLocation(file: file, line: line))
        return GraphBuilder(refusing: error).invalid()
    }
    guard operands.allSatisfy(\.isValid) else { return first.builder.invalid() }
    let location = first.builder.location(file, line)
    func mistake(_ message: String) -> Tensor {
        first.mistake("einsum", "\(message) in '\(equation)'", .attribute, at: location)
    }
    let sides = equation.filter { $0 != " " }.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    let output: [Character]
    if sides.count == 2 {
        guard sides[1].first == ">" else { return mistake("there is a '-' without '>'") }
        output = Array(sides[1].dropFirst())
    } else {
        let all = inputs.joined()
        output = Set(all).filter { letter in all.count { $0 == letter } == 1 }.sorted()
    }
    guard (inputs.joined() + output).allSatisfy({ $0.isASCII && $0.isLetter }) else {
        return mistake("there is something else than letters")
    }
    guard inputs.count == operands.count else {
        return mistake("there are \(operands.count) operands, and \(inputs.count) groups of letters")
    }
    guard Set(output).count == output.count else { return mistake("the result has a letter twice") }
    var extents: [Character: Int] = [:]
    for (letters, operand) in zip(inputs, operands) {
        guard letters.count == operand.rank else {
            return mistake("'\(String(letters))' does not name the axes of \(shapeText(operand.shape))")
        }
        for (letter, extent) in zip(letters, operand.shape) {
            if let known = extents.updateValue(extent, forKey: letter), known != extent {
                return mistake("'\(letter)' is \(known) and \(extent)")
            }
        }
    }
    if let letter = output.first(where: { extents[$0] == nil }) { return mistake("no operand has '\(letter)'") }

    var terms = zip(inputs, operands).map { EinsumTerm(letters: $0, tensor: $1).withoutRepeats() }
    while terms.count > 1 {
        let later = Set(terms.dropFirst(2).flatMap(\.letters)).union(output)
        let product = terms[0].times(terms[1], keeping: later, location)
        terms.replaceSubrange(0...1, with: [product])
    }
    return terms[0].reduced(to: output)
}

/// An operand with the letters of its axes.
private struct EinsumTerm {
    var letters: [Character]
    var tensor: Tensor

    /// Letters that occur twice once: the diagonal of their axes.
    func withoutRepeats() -> EinsumTerm {
        var term = self
        while let (first, second) = term.repeated() {
            let extent = term.tensor.shape[first], builder = term.tensor.builder
            let type = TensorType(.i32, [extent, extent])
            let isDiagonal = equal(builder.add(Iota(type, axis: 0), []), builder.add(Iota(type, axis: 1), []))
            let mask = builder.add(Broadcast(shape: term.tensor.shape, axes: [first, second]), [isDiagonal])
            term.tensor = sum(select(mask, term.tensor, term.tensor.constant(0)), axes: [second])
            term.letters.remove(at: second)
        }
        return term
    }

    private func repeated() -> (Int, Int)? {
        for (place, letter) in letters.enumerated() {
            if let first = letters.firstIndex(of: letter), first < place { return (first, place) }
        }
        return nil
    }

    /// Without letters that nobody else has.
    private func summed(keeping kept: Set<Character>) -> EinsumTerm {
        let axes = letters.indices.filter { !kept.contains(letters[$0]) }
        return EinsumTerm(letters: letters.filter(kept.contains), tensor: sum(tensor, axes: axes))
    }

    /// The product, summed over what neither is kept nor occurs in one factor alone.
    func times(_ other: EinsumTerm, keeping kept: Set<Character>, _ location: SourceLocation?) -> EinsumTerm {
        let left = summed(keeping: kept.union(other.letters)), right = other.summed(keeping: kept.union(letters))
        let common = left.letters.filter(right.letters.contains)
        func axes(_ letters: [Character]) -> (left: [Int], right: [Int]) {
            (letters.compactMap(left.letters.firstIndex), letters.compactMap(right.letters.firstIndex))
        }
        let batch = axes(common.filter(kept.contains)), contracted = axes(common.filter { !kept.contains($0) })
        let product = tensor.builder.add(
            Dot(
                leftBatch: batch.left, rightBatch: batch.right, leftContracting: contracted.left,
                rightContracting: contracted.right), [left.tensor, right.tensor], location: location)
        let free = { (term: EinsumTerm) in term.letters.filter { !common.contains($0) } }
        return EinsumTerm(letters: common.filter(kept.contains) + free(left) + free(right), tensor: product)
    }

    /// The tensor with these axes in this order.
    func reduced(to output: [Character]) -> Tensor {
        let term = summed(keeping: Set(output))
        return term.tensor.transpose(output.compactMap(term.letters.firstIndex))
    }
}
