import ApusIR

extension OperatorTable {
    static let resizingOperators: [String: Operator] = ["Resize": one(resized)]

    @Sendable private static func resized(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0)
        let given = try node.integers("axes").map { try $0.map { try node.axis($0, rank: x.rank) } }
        let axes = given ?? Array(x.shape.indices)
        let scales = try node.known(2, "the scales")?.values ?? [], sizes = try node.integers(3, "the sizes") ?? []
        guard scales.count == (sizes.isEmpty ? axes.count : 0), sizes.isEmpty || sizes.count == axes.count else {
            throw node.error(.attribute, "its scales or sizes do not belong to the axes of \(x.type)")
        }
        if !sizes.isEmpty, let policy = try node.text("keep_aspect_ratio_policy"), policy != "stretch" {
            throw node.error(.unsupported, "its attribute 'keep_aspect_ratio_policy' is '\(shown(policy))'")
        }
        if try node.flag("antialias") { throw node.error(.unsupported, "has antialias, which is not imported") }
        var result = x
        for (place, axis) in axes.enumerated() {
            let extent = x.shape[axis]
            let scale = sizes.isEmpty ? scales[place] : Double(sizes[place]) / Double(extent)
            let size = sizes.isEmpty ? KnownTensor.integer(Double(extent) * scale) : sizes[place]
            guard scale > 0, 1...(1 << 16) ~= size else {
                throw node.error(.limit, "its size \(size) along axis \(axis) is not from 1 to \(1 << 16)")
            }
            guard scale != 1 || size != extent else { continue }
            result = try resized(result, Resizing(node, extent: extent, size: size, scale: scale), axis: axis)
            guard result.isValid else { break }
        }
        return result
    }

    private static func resized(_ x: Tensor, _ resizing: Resizing, axis: Int) throws -> Tensor {
        if let rule = resizing.rule {
            return x.builder.add(Interpolation(axis: axis, size: resizing.size, rule: rule), [x])
        }
        if resizing.isNearest { return chosen(try resizing.nearest(), of: x, axis: axis) }
        let places = (0..<resizing.size).map { min(max(resizing.position($0), 0), Double(resizing.extent - 1)) }
        let lower = places.map { Int($0) }
        let shape = [resizing.size] + x.shape[(axis + 1)...].map { _ in 1 }
        let shares = x.builder.add(
            Constant(TensorType(x.element, [resizing.size]), values: zip(places, lower).map { $0 - Double($1) }), []
        ).reshape(shape)
        let upper = chosen(lower.map { min($0 + 1, resizing.extent - 1) }, of: x, axis: axis)
        return chosen(lower, of: x, axis: axis) * (1 - shares) + upper * shares
    }
}

/// How the places of a resized axis lie on the axis that it is made of.
private struct Resizing {
    let extent: Int, size: Int, scale: Double
    let isNearest: Bool
    private let coordinates: String, rounding: String
    private let node: ImportedNode

    init(_ node: ImportedNode, extent: Int, size: Int, scale: Double) throws {
        (self.extent, self.size, self.scale, self.node) = (extent, size, scale, node)
        let mode = try node.text("mode") ?? "nearest"
        guard ["nearest", "linear"].contains(mode) else {
            throw node.error(.unsupported, "its mode '\(shown(mode))' is not imported; 'nearest' and 'linear' are")
        }
        isNearest = mode == "nearest"
        coordinates = try node.text("coordinate_transformation_mode") ?? "half_pixel"
        rounding = try node.text("nearest_mode") ?? "round_prefer_floor"
        guard ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].contains(coordinates) else {
            throw node.error(
                .unsupported,
                "its attribute 'coordinate_transformation_mode' is '\(shown(coordinates))', which is not imported")
        }
    }

    /// The rule of the IR that says the same, if there is one.
    var rule: Interpolation.Rule? {
        let isExact = Double(extent) * scale == Double(size)
        switch (isNearest, coordinates) {
        case (false, "align_corners"): return .alignedCorners
        case (false, "half_pixel") where isExact: return .pixelCentres
        case (false, "pytorch_half_pixel") where isExact && size > 1: return .pixelCentres
        case (true, "asymmetric") where isExact && rounding == "floor": return .nearest
        default: return nil
        }
    }

    func position(_ index: Int) -> Double {
        switch coordinates {
        case "align_corners": size > 1 ? Double(index * (extent - 1)) / Double(size - 1) : 0
        case "asymmetric": Double(index) / scale
        case "pytorch_half_pixel" where size == 1: 0
        default: (Double(index) + 0.5) / scale - 0.5
        }
    }

    func nearest() throws -> [Int] {
        try (0..<size).map { index in
            let place = position(index)
            let near: Double
            switch rounding {
            case "round_prefer_floor": near = (place - 0.5).rounded(.up)
            case "round_prefer_ceil": near = (place + 0.5).rounded(.down)
            case "floor": near = place.rounded(.down)
            case "ceil": near = place.rounded(.up)
            default: throw node.error(.unsupported, "its attribute 'nearest_mode' is '\(shown(rounding))'")
            }
            return min(max(Int(near), 0), extent - 1)
        }
    }
}
