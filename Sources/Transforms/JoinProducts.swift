import ApusIR

extension Pass {
    /// Sums of products become one product of longer operands: a₁·b₁ + a₂·b₂ + … = [a₁ a₂ …] · [b₁; b₂; …].
    ///
    /// The gradient of a recurrent layer's weights is such a sum, with a term for each step. One by one, the sum so far
    /// is read and written again for each term; so they are joined where that is more than writing the operands next to
    /// each other.
    public static let joinProducts = Pass(
        "join-products",
        recording: { graph, rewrites in
            let sums = graph.sumsOfProducts
            for (sum, products) in sums.sorted(by: { $0.key < $1.key }) {
                for group in products.groups {
                    rewrites.append(
                        Rewrite(
                            pass: "join-products", note: "\(group.count) matmuls that are added up became one",
                            location: graph[sum].location))
                }
            }
            return try rebuild(graph, replacing: sums.mapValues { sum in { sum.replacement($0) } })
        })
}

/// The terms of a sum, of which some are products that can be joined.
private struct SumOfProducts {
    /// Products that become one.
    var groups: [[Product]] = []
    var others: [Value]

    /// The sum with products that are joined.
    func replacement(_ new: (Value) -> Tensor) -> Tensor {
        let terms = groups.map { joint($0, new) } + others.map(new)
        return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
    }

    private func joint(_ products: [Product], _ new: (Value) -> Tensor) -> Tensor {
        let dot = products[0].key.dot
        func side(_ number: Int, _ axis: Int) -> Tensor {
            concatenate(products.map { new($0.operands[number]) }, axis: axis)
        }
        let left = side(0, dot.leftContracting[0]), right = side(1, dot.rightContracting[0])
        let product = left.builder.add(dot, [left, right], location: products[0].location)
        return products[0].key.order.map { product.transpose($0) } ?? product
    }
}

/// A matmul, maybe with a transposed result, that a sum alone reads.
private struct Product {
    /// What products have in common that can be joined: all but the length of the first contracted axis.
    struct Key: Hashable {
        var dot: Dot
        var shapes: [[Int]]
        var element: ElementType
        /// The order of the result's axes; nil if it is not transposed.
        var order: [Int]?
    }

    var key: Key
    var operands: [Value]
    var location: SourceLocation?
    /// Elements of both operands, and of the result.
    var operandCount: Int, count: Int

    init?(_ value: Value, _ graph: Graph, _ useCounts: [Int]) {
        guard useCounts[value.index] == 1 else { return nil }
        var product = value, order: [Int]?
        if let transpose = graph[value].operation as? Transpose {
            (product, order) = (graph[value].operands[0], transpose.permutation)
        }
        let node = graph[product]
        guard useCounts[product.index] == 1, let dot = node.operation as? Dot, !dot.leftContracting.isEmpty else {
            return nil
        }
        let types = node.operands.map { graph[$0].type }
        var shapes = types.map(\.shape)
        shapes[0][dot.leftContracting[0]] = 0
        shapes[1][dot.rightContracting[0]] = 0
        key = Key(dot: dot, shapes: shapes, element: types[0].element, order: order)
        (operands, location) = (node.operands, node.location)
        (operandCount, count) = (types[0].count + types[1].count, node.type.count)
    }
}

extension Graph {
    /// The sums in which it pays to join products.
    fileprivate var sumsOfProducts: [Value: SumOfProducts] {
        let counts = useCounts()
        var sums: [Value: SumOfProducts] = [:], isPart = [Bool](repeating: false, count: nodes.count)
        // From the last on, so that a sum is met before its parts.
        for value in values.reversed() where self[value].operation is Add && !isPart[value.index] {
            var open = self[value].operands, terms: [Value] = []
            while let term = open.popLast() {
                if self[term].operation is Add, counts[term.index] == 1 {
                    isPart[term.index] = true
                    open += self[term].operands
                } else {
                    terms.append(term)
                }
            }
            let sum = joined(terms.sorted(), counts)
            if !sum.groups.isEmpty { sums[value] = sum }
        }
        return sums
    }

    private func joined(_ terms: [Value], _ counts: [Int]) -> SumOfProducts {
        var sum = SumOfProducts(others: [])
        var places: [Product.Key: Int] = [:], groups: [[(product: Product, term: Value)]] = []
        for term in terms {
            guard let product = Product(term, self, counts) else {
                sum.others.append(term)
                continue
            }
            let place = places[product.key] ?? groups.count
            if place == groups.count { groups.append([]) }
            places[product.key] = place
            groups[place].append((product, term))
        }
        for group in groups {
            let products = group.map(\.product), saved = (products.count - 1) * products[0].count
            if saved > products.reduce(0, { $0 + $1.operandCount }) {
                sum.groups.append(products)
            } else {
                sum.others += group.map(\.term)
            }
        }
        return sum
    }
}
