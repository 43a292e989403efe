import ApusIR

/// From which sizes on convolutions are computed by Winograd's algorithm: below, what it adds costs more than the
/// products that it saves.
public struct WinogradLimits: Hashable, Sendable {
    /// The fewest channels, of the images and of the result, with which one axis is shortened, and both.
    public var channels: Int, channelsForBothAxes: Int
    /// The fewest places of all results: each is one use of a kernel that has to be transformed.
    public var places: Int
    /// What holds for kernels that no run changes; nil if they are like others.
    public var constantKernels: ConstantKernels?

    /// Limits for kernels that are transformed and packed once for many runs. Places become the rows of the products,
    /// whose columns are the kernels' results.
    public struct ConstantKernels: Hashable, Sendable {
        /// The fewest places of all results.
        public var places: Int
        /// Rows of products that are computed at once, by a few images after the other, so that what lies between
        /// products stays in a cache; with as many as that, both axes are shortened whatever the channels.
        public var rows: ClosedRange<Int>
        /// The most parts of the images, as each has products of its own.
        public var parts: Int

        /// Limits.
        public init(places: Int, rows: ClosedRange<Int>, parts: Int) {
            (self.places, self.rows, self.parts) = (places, rows, parts)
        }
    }

    /// Limits, the same for all kernels unless there are some for those that no run changes.
    public init(channels: Int, channelsForBothAxes: Int, places: Int, constantKernels: ConstantKernels? = nil) {
        (self.channels, self.channelsForBothAxes, self.places) = (channels, channelsForBothAxes, places)
        self.constantKernels = constantKernels
    }
}

extension Pass {
    /// Convolutions of 3×3, and their gradients with respect to images, with fewer products: pairs of neighbouring
    /// results along an axis take 4 of them for each channel in place of 6 (F(2, 3) of Lavin and Gray 2016, after
    /// Winograd 1980).
    ///
    /// Of elements x₀…x₃ and taps g₀…g₂, the products are m₀ = (x₀ − x₂) g₀, m₁ = (x₁ + x₂) (g₀ + g₁ + g₂) / 2,
    /// m₂ = (x₂ − x₁) (g₀ − g₁ + g₂) / 2, m₃ = (x₁ − x₃) g₂, each summed up over channels by a matmul; the results are
    /// m₀ + m₁ + m₂ and m₁ − m₂ − m₃. Along both axes it is 16 products in place of 36. The numbers are those of the
    /// sum as it is defined up to rounding, which grows a few times; where an element is infinite, they may be NaN.
    public static func winograd(_ limits: WinogradLimits) -> Pass {
        Pass(
            "winograd",
            recording: { graph, rewrites in
                var replacements: [Value: Replacement] = [:]
                let isConstant = graph.runInvariants()
                for value in graph.values {
                    guard let convolution = ShortConvolution(graph, value, limits, isConstant) else { continue }
                    replacements[value] = { new in
                        convolution.result(kernel: new(convolution.kernel), images: new(convolution.images))
                    }
                    let products = convolution.takesBothAxes ? "16 products for 36" : "4 products for 6"
                    rewrites.append(
                        Rewrite(
                            pass: "winograd", note: "convolutions of 3x3 take \(products)",
                            location: graph[value].location))
                }
                return try rebuild(graph, replacing: replacements)
            })
    }
}

/// A matmul of a kernel [o, c, 3, 3], or [c, o, 3, 3], with all windows of images [n, c, height, width], that can be
/// computed with fewer products.
private struct ShortConvolution {
    let kernel: Value, images: Value
    let takesBothAxes: Bool
    /// Whether products have a row for each place, [n, height, width, o], and a column for each result of the kernel.
    private let hasPlacesAsRows: Bool
    /// How many images are in one product.
    private let imagesAtOnce: Int
    /// The axis of the kernel's input channels, and whether its taps are taken from the last one on.
    private let channels: Int, isReversed: Bool
    /// Results along both axes.
    private let height: Int, width: Int

    init?(_ graph: Graph, _ value: Value, _ limits: WinogradLimits, _ isConstant: [Bool]) {
        guard let dot = graph[value].operation as? Dot, dot.leftBatch.isEmpty,
            let windows = graph[graph[value].operands[1]].operation as? Windows,
            windows.size == [3, 3], windows.stride == [1, 1], windows.dilation == [1, 1],
            case let (left, right) = (dot.leftContracting, dot.rightContracting), left.count == 3, right == [1, 2, 3],
            left[0] < 2, left[1...] == [2, 3], !dot.usesLibrary,
            ([value] + graph[value].operands).allSatisfy({ graph[$0].type.element == .f32 })
        else { return nil }
        kernel = graph[value].operands[0]
        images = graph[graph[value].operands[1]].operands[0]
        (channels, isReversed) = (left[0], windows.isReversed)
        let shape = graph[value].type.shape, inputs = graph[kernel].type.shape[channels]
        guard graph[kernel].type.rank == 4, graph[images].type.rank == 4, shape.count == 4 else { return nil }
        (height, width) = (shape[2], shape[3])
        let constant = isConstant[kernel.index] ? limits.constantKernels : nil
        let fewest = min(inputs, shape[0]), places = shape.dropFirst().reduce(1, *)
        guard fewest >= limits.channels, places >= constant?.places ?? limits.places, min(height, width) > 1 else {
            return nil
        }
        let count = shape[1], rows = ((height + 1) / 2) * ((width + 1) / 2)
        let wanted = constant.map { limits in
            min(count, max((limits.rows.lowerBound + rows - 1) / rows, (count + limits.parts - 1) / limits.parts))
        }
        if let constant, let wanted, wanted * rows <= constant.rows.upperBound {
            (imagesAtOnce, hasPlacesAsRows) = (wanted, true)
        } else {
            (imagesAtOnce, hasPlacesAsRows) = (count, false)
        }
        takesBothAxes = hasPlacesAsRows || fewest >= limits.channelsForBothAxes
    }

    /// The results, [o, n, height, width].
    func result(kernel: Tensor, images: Tensor) -> Tensor {
        guard takesBothAxes else { return shortenedAlongWidth(taps(kernel, axis: 3), images) }
        // By rows and columns of taps.
        let factors = taps(kernel, axis: 2).map { row in
            taps(row, axis: 3).map { $0.reshape(Array($0.shape.prefix(2))).copied() }
        }
        let count = images.shape[0]
        let parts = stride(from: 0, to: count, by: imagesAtOnce).map { first in
            let part = images.slice(first..<min(first + imagesAtOnce, count), axis: 0)
            return shortenedAlongBoth(factors, imagesAtOnce < count ? part : images)
        }
        return parts.count == 1 ? parts[0] : concatenate(parts, axis: 1)
    }

    /// Images with so many rows and columns that results are in pairs.
    private func paired(_ images: Tensor, height: Int, width: Int) -> Tensor {
        let missing = [0, 0, height - self.height, width - self.width]
        return missing == [0, 0, 0, 0] ? images : images.padded(low: [0, 0, 0, 0], high: missing).copied()
    }

    private func shortenedAlongWidth(_ factors: [Tensor], _ images: Tensor) -> Tensor {
        let images = paired(images, height: height, width: (width + 1) / 2 * 2)
        let products = zip(factors, elements(images, axis: 3, pairs: (width + 1) / 2)).map { taps, elements in
            let windows = Windows(size: [3, 1], stride: [1, 1], dilation: [1, 1], isReversed: isReversed)
            return dot(
                taps.copied(), images.builder.add(windows, [elements.copied()]),
                contracting: [(channels, 1), (2, 2), (3, 3)])
        }
        return joined(pair(products), stride: [1, 2])
    }

    private func shortenedAlongBoth(_ factors: [[Tensor]], _ images: Tensor) -> Tensor {
        let (pairs, pairsInWidth) = ((height + 1) / 2, (width + 1) / 2)
        let channelsFirst = paired(images, height: 2 * pairs, width: 2 * pairsInWidth)
        let images = hasPlacesAsRows ? channelsFirst.transpose([0, 2, 3, 1]).copied() : channelsFirst
        let vertical = hasPlacesAsRows ? 1 : 2
        let rows = zip(factors, elements(images, axis: vertical, pairs: pairs)).map { factors, elements in
            let products = zip(factors, self.elements(elements, axis: vertical + 1, pairs: pairsInWidth)).map {
                taps, elements in
                hasPlacesAsRows
                    ? dot(elements.copied(), taps, contracting: [(3, channels)])
                    : dot(taps, elements.copied(), contracting: [(channels, 1)])
            }
            return pair(products)
        }
        let columns = [0, 1].map { column in pair(rows.map { $0[column] }) }
        let phases = [columns[0][0], columns[1][0], columns[0][1], columns[1][1]]
        return joined(hasPlacesAsRows ? phases.map { $0.transpose([3, 0, 1, 2]) } : phases, stride: [2, 2])
    }

    /// The four factors that taps along an axis make, with an extent of 1 there.
    private func taps(_ kernel: Tensor, axis: Int) -> [Tensor] {
        let taps = (0..<3).map { kernel.slice($0..<$0 + 1, axis: axis) }
        let (first, last) = isReversed ? (taps[2], taps[0]) : (taps[0], taps[2])
        let ends = first + last
        return [first, (ends + taps[1]) * 0.5, (ends - taps[1]) * 0.5, last]
    }

    /// The four factors that elements along an axis make for pairs of results.
    private func elements(_ images: Tensor, axis: Int, pairs: Int) -> [Tensor] {
        let x = (0..<4).map { images.slice($0..<$0 + 2 * pairs - 1, axis: axis, step: 2) }
        return [x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]]
    }

    /// The two results of four products.
    private func pair(_ products: [Tensor]) -> [Tensor] {
        [products[0] + (products[1] + products[2]), (products[1] - products[2]) - products[3]]
    }

    /// Results [o, n, ...] of all phases side by side.
    private func joined(_ phases: [Tensor], stride: [Int]) -> Tensor {
        interleaved(phases, stride: stride, extents: [height, width], channelsFirst: true).transpose([1, 0, 2, 3])
    }
}
