import ApusIR

extension OperatorTable {
    static let shapeOperators: [String: Operator] = [
        "Shape": { [.known(KnownTensor(try $0.shapeRange(of: $0.shape(0))))] },
        "Size": { [.known(KnownTensor(.int64, [], [Double(try $0.shape(0).reduce(1, *))]))] },
        "Reshape": one { node in
            let x = try node.tensor(0)
            guard let shape = try node.integers(1, "the shape") else {
                throw node.error(.attribute, "its shape is missing")
            }
            return x.reshape(try node.checked(node.resolved(shape, of: x.shape, count: x.type.count)))
        },
        "Flatten": one { node in
            let x = try node.tensor(0), given = try node.integer("axis", default: 1)
            let axis = given == x.rank ? given : try node.axis(given, rank: x.rank)
            return x.reshape([x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])
        },
        "Transpose": one { node in
            let x = try node.tensor(0)
            return x.transpose(try node.integers("perm") ?? Array(x.shape.indices.reversed()))
        },
        "Squeeze": one { node in
            let x = try node.tensor(0), given = try node.integers(1, "the axes") ?? node.integers("axes")
            let axes = try given.map { try node.axes($0, rank: x.rank) } ?? x.shape.indices.filter { x.shape[$0] == 1 }
            guard axes.allSatisfy({ x.shape[$0] == 1 }) else {
                throw node.error(.attribute, "the axes \(axes) of \(x.type) are not of extent 1")
            }
            return x.reshape(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
        },
        "Unsqueeze": one { node in
            let x = try node.tensor(0)
            guard let axes = try node.integers(1, "the axes") ?? node.integers("axes") else {
                throw node.error(.attribute, "its axes are missing")
            }
            return x.reshape(try node.expanded(x.shape, axes))
        },
        "Expand": one { node in
            let x = try node.tensor(0)
            guard let given = try node.integers(1, "the shape") else {
                throw node.error(.attribute, "its shape is missing")
            }
            let rank = max(given.count, x.rank)
            guard rank <= 32 else { throw node.error(.limit, "has more than 32 axes") }
            let own = Array(repeating: 1, count: rank - x.rank) + x.shape
            let wanted = Array(repeating: 1, count: rank - given.count) + given
            return x.broadcast(to: try node.checked(zip(own, wanted).map { $1 == 1 ? $0 : $1 }))
        },
        "Tile": one { node in
            let x = try node.tensor(0)
            guard let counts = try node.integers(1, "how often"), counts.count == x.rank else {
                throw node.error(.attribute, "does not say how often for each axis of \(x.type)")
            }
            return x.tiled(counts)
        },
        "DepthToSpace": one(depthToSpace), "SpaceToDepth": one(spaceToDepth), "Trilu": one(triangle),
    ]

    /// Sides of the blocks of images [n, c, h, w].
    private static func block(_ node: ImportedNode) throws -> (x: Tensor, side: Int) {
        let x = try node.tensor(0), side = try node.integer("blocksize", default: 0)
        guard x.rank == 4, 1...(1 << 12) ~= side else {
            throw node.error(.attribute, "takes images [n,c,h,w] and a block size, has \(x.type) and \(side)")
        }
        return (x, side)
    }

    @Sendable private static func depthToSpace(_ node: ImportedNode) throws -> Tensor {
        let (x, b) = try block(node), s = x.shape, mode = try node.text("mode") ?? "DCR"
        guard s[1] % (b * b) == 0, ["DCR", "CRD"].contains(mode) else {
            throw node.error(.attribute, "blocks of \(b) and mode '\(shown(mode))' do not fit \(x.type)")
        }
        let c = s[1] / (b * b)
        let parts =
            mode == "DCR"
            ? x.reshape([s[0], b, b, c, s[2], s[3]]).transpose([0, 3, 4, 1, 5, 2])
            : x.reshape([s[0], c, b, b, s[2], s[3]]).transpose([0, 1, 4, 2, 5, 3])
        return parts.reshape([s[0], c, s[2] * b, s[3] * b])
    }

    @Sendable private static func spaceToDepth(_ node: ImportedNode) throws -> Tensor {
        let (x, b) = try block(node), s = x.shape
        guard s[2] % b == 0, s[3] % b == 0 else { throw node.error(.attribute, "blocks of \(b) do not fit \(x.type)") }
        return x.reshape([s[0], s[1], s[2] / b, b, s[3] / b, b]).transpose([0, 3, 5, 1, 2, 4])
            .reshape([s[0], s[1] * b * b, s[2] / b, s[3] / b])
    }

    @Sendable private static func triangle(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), diagonal = try node.integers(1, "the diagonal")?.first ?? 0
        guard x.rank >= 2 else { throw node.error(.attribute, "takes matrices, has \(x.type)") }
        let near = min(max(diagonal, -(1 << 24)), 1 << 24)
        return try node.flag("upper", default: true)
            ? upperTriangle(x, diagonal: near) : lowerTriangle(x, diagonal: near)
    }
}
