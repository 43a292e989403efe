import Foundation

/// Draws one synthetic slice through a body: an outline with skin, tissue, organs, vessels, harmless spots, speckle,
/// and one lesion.
///
/// Lengths are in units of the image's side, so that a scene looks alike at every size. All but the lesion's pattern is
/// drawn in the same way whatever the lesion, and the body's grey levels have the same distribution in the end:
/// only the pattern tells the kind.
struct PhantomScene {
    private let size: Int
    private var random: CounterRandom
    private var brightness: [Double]

    /// What is drawn: grey levels, and 255 where the lesion is and 0 elsewhere; `size * size` bytes each.
    struct Slice: Sendable {
        let pixels: [UInt8]
        let mask: [UInt8]
    }

    /// Draws a slice with a lesion of `kind`.
    static func draw(_ kind: PhantomLesion.Kind, size: Int, random: CounterRandom) -> Slice {
        var scene = PhantomScene(size: size, random: random)
        return scene.draw(kind)
    }

    private init(size: Int, random: CounterRandom) {
        self.size = size
        self.random = random
        brightness = [Double](repeating: 0, count: size * size)
    }

    private mutating func draw(_ kind: PhantomLesion.Kind) -> Slice {
        let body = Body(using: &random)
        addTissue()
        for _ in 0..<3 + random.integer(below: 3) { addOrgan(in: body) }
        for _ in 0..<4 + random.integer(below: 4) { addVessel(in: body) }
        for _ in 0..<5 + random.integer(below: 4) { addHarmlessSpot(in: body) }
        let lesion = PhantomLesion(kind, using: &random)
        let radius = random.uniform(in: 0.085...0.125)
        let center = body.place(within: 0.72, using: &random)
        stamp(at: center, reach: 1.3 * radius) { lesion.brightness(at: $0 / radius) }
        let mask = brightness.indices.map { lesion.covers((place(ofPixel: $0) - center) / radius) ? UInt8(255) : 0 }
        return Slice(pixels: expose(body), mask: mask)
    }

    // MARK: Anatomy

    /// The outline: an ellipse with a slightly uneven edge.
    private struct Body {
        let center: SIMD2<Double>
        let radii: SIMD2<Double>
        let dents: [(height: Double, phase: Double)]

        init(using random: inout CounterRandom) {
            center = SIMD2(random.uniform(in: 0.47...0.53), random.uniform(in: 0.47...0.53))
            radii = SIMD2(random.uniform(in: 0.39...0.44), random.uniform(in: 0.35...0.43))
            dents = (0..<3).map { _ in (random.uniform(in: 0...0.03), random.uniform(in: 0...2 * .pi)) }
        }

        /// How far out `place` lies: 0 at the centre, 1 on the outline.
        func depth(_ place: SIMD2<Double>) -> Double {
            let offset = (place - center) / radii
            let angle = atan2(offset.y, offset.x)
            let edge = dents.enumerated().reduce(1) { edge, dent in
                edge + dent.element.height * cos(Double(dent.offset + 2) * angle + dent.element.phase)
            }
            return (offset * offset).sum().squareRoot() / edge
        }

        /// A random place not farther out than `depth`, all places alike.
        func place(within depth: Double, using random: inout CounterRandom) -> SIMD2<Double> {
            let (angle, distance) = (random.uniform(in: 0...2 * .pi), depth * random.uniform().squareRoot())
            return center + radii * SIMD2(cos(angle), sin(angle)) * distance
        }
    }

    /// Smooth texture of several grain sizes, and a slow change across the image as receiver coils leave it.
    private mutating func addTissue() {
        for (cells, height) in [(5, 0.14), (11, 0.09), (23, 0.07)] {
            let noise = (0..<(cells + 2) * (cells + 2)).map { _ in random.uniform(in: -1...1) }
            forEachPixel { place in
                let (x, y) = (place.x * Double(cells), place.y * Double(cells))
                let (column, row) = (Int(x), Int(y))
                let (u, v) = (smoothStep(0, 1, x - Double(column)), smoothStep(0, 1, y - Double(row)))
                let corner = row * (cells + 2) + column
                let upper = noise[corner] * (1 - u) + noise[corner + 1] * u
                let lower = noise[corner + cells + 2] * (1 - u) + noise[corner + cells + 3] * u
                return height * (upper * (1 - v) + lower * v)
            }
        }
        let slope = SIMD2(random.uniform(in: -0.25...0.25), random.uniform(in: -0.25...0.25))
        forEachPixel { (($0 - 0.5) * slope).sum() }
    }

    /// A soft ellipse, darker or brighter than what is around it.
    private mutating func addOrgan(in body: Body) {
        let center = body.place(within: 0.65, using: &random)
        let radii = SIMD2(random.uniform(in: 0.07...0.17), random.uniform(in: 0.07...0.17))
        let turn = random.uniform(in: 0...Double.pi)
        let height = random.uniform(in: 0.06...0.16) * (random.uniform() < 0.5 ? -1 : 1)
        stamp(at: center, reach: 0.25) { offset in
            let x = (offset.x * cos(turn) + offset.y * sin(turn)) / radii.x
            let y = (offset.y * cos(turn) - offset.x * sin(turn)) / radii.y
            return height * (1 - smoothStep(0.8, 1.1, (x * x + y * y).squareRoot()))
        }
    }

    /// A winding bright line.
    private mutating func addVessel(in body: Body) {
        var place = body.place(within: 0.85, using: &random)
        var direction = random.uniform(in: 0...2 * .pi)
        let width = random.uniform(in: 0.006...0.014)
        let height = random.uniform(in: 0.1...0.26)
        var path: [SIMD2<Double>] = []
        for _ in 0..<12 + random.integer(below: 24) {
            direction += random.uniform(in: -0.45...0.45)
            place += 0.012 * SIMD2(cos(direction), sin(direction))
            path.append(place)
        }
        // The brightest of all points on the way, so that close points do not add up.
        let middle = path[path.count / 2]
        stamp(at: middle, reach: 0.25) { offset in
            let place = offset + middle
            let nearest = path.lazy.map { (($0 - place) * ($0 - place)).sum() }.min() ?? 1
            return height * exp(-nearest / (width * width))
        }
    }

    /// A part of what lesions are made of, alone: a dot, a faint spot, a dark hole or an open arc.
    private mutating func addHarmlessSpot(in body: Body) {
        let center = body.place(within: 0.85, using: &random)
        let radius = random.uniform(in: 0.025...0.06)
        let height = random.uniform(in: 0.1...0.3)
        let form = random.integer(below: 4)
        let opening = random.uniform(in: 0...2 * .pi)
        stamp(at: center, reach: 2.2 * radius) { offset in
            let distance = (offset * offset).sum().squareRoot() / radius
            switch form {
            case 0: return 1.3 * height * bump(distance, at: 0, width: 0.012 / radius)
            case 1: return 0.8 * height * bump(distance, at: 0, width: 0.9)
            case 2: return -height * (1 - smoothStep(0.5, 0.9, distance))
            default:
                let turn = abs((atan2(offset.y, offset.x) - opening).remainder(dividingBy: 2 * .pi))
                return height * bump(distance, at: 1, width: 0.25) * (1 - smoothStep(1.2, 1.5, turn))
            }
        }
    }

    // MARK: Image

    /// Cuts the body out, spreads its grey levels alike in all images, adds skin and speckle.
    private mutating func expose(_ body: Body) -> [UInt8] {
        let depths = (0..<size * size).map { body.depth(place(ofPixel: $0)) }
        let tissue = spread(depths.indices.filter { depths[$0] < 1.03 })
        let grain = random.uniform(in: 0.1...0.16)
        return depths.indices.map { pixel in
            let depth = depths[pixel]
            let skin = 0.22 * bump(depth, at: 0.97, width: 0.025)
            let signal = 0.03 + (tissue[pixel] + skin) * (1 - smoothStep(0.98, 1.02, depth))
            // The sum of four numbers is close to a bell: speckle grows with the signal, the receiver's noise does not.
            let speckle = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 } * 3.0.squareRoot()
            let receiver = random.uniform(in: -0.03...0.03)
            return UInt8(max(0, min(255, (signal * (1 + grain * speckle) + receiver) * 255 + 0.5)))
        }
    }

    /// Replaces the brightness of `pixels` by that of their rank in a bell-shaped distribution of a drawn mean and
    /// width, so that a histogram knows nothing of the lesion; other pixels become 0.
    private mutating func spread(_ pixels: [Int]) -> [Double] {
        let level = random.uniform(in: 0.4...0.5)
        let contrast = random.uniform(in: 0.085...0.11)
        var spread = [Double](repeating: 0, count: brightness.count)
        let ranked = pixels.sorted { (brightness[$0], $0) < (brightness[$1], $1) }
        for (rank, pixel) in ranked.enumerated() {
            let part = (Double(rank) + 0.5) / Double(ranked.count)
            // The logistic distribution, scaled to a deviation of 1.
            let deviations = log(part / (1 - part)) * 3.0.squareRoot() / .pi
            spread[pixel] = max(0.02, level + contrast * max(-3.5, min(3.5, deviations)))
        }
        return spread
    }

    private func place(ofPixel index: Int) -> SIMD2<Double> {
        (SIMD2(Double(index % size), Double(index / size)) + 0.5) / Double(size)
    }

    private mutating func forEachPixel(_ added: (SIMD2<Double>) -> Double) {
        for index in brightness.indices { brightness[index] += added(place(ofPixel: index)) }
    }

    /// Adds a pattern, given the distance from `center`, to the pixels that are at most `reach` away on each axis.
    private mutating func stamp(at center: SIMD2<Double>, reach: Double, _ added: (SIMD2<Double>) -> Double) {
        let side = Double(size)
        let columns = max(0, Int((center.x - reach) * side))..<min(size, Int((center.x + reach) * side) + 1)
        let rows = max(0, Int((center.y - reach) * side))..<min(size, Int((center.y + reach) * side) + 1)
        for row in rows {
            for column in columns {
                let index = row * size + column
                brightness[index] += added(place(ofPixel: index) - center)
            }
        }
    }
}
