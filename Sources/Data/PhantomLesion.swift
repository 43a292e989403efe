import Foundation

/// One of the small findings that tell the classes of the synthetic images apart.
///
/// A lesion is a pattern of brightness around its centre; all kinds have the same range of sizes and strengths.
struct PhantomLesion {
    /// The kinds, in the order in which classes take them. Their names are the classes' names.
    enum Kind: String, CaseIterable, Sendable {
        /// A bright round spot with a soft edge.
        case nodule
        /// A dark disc inside a thin bright rim.
        case cyst
        /// A small bright core with thin spikes.
        case spiculated
        /// A group of tiny bright dots.
        case calcification
        /// A bright ring around tissue that is left as it is.
        case ring
        /// A bright spot inside a dark halo.
        case target
    }

    private let kind: Kind
    private let strength: Double
    private let rotation: Double
    private let stretch: Double
    /// Directions of spikes in radians.
    private var spikes: [Double] = []
    /// Places of dots in units of the radius.
    private var dots: [SIMD2<Double>] = []

    /// Draws a lesion's strength and form.
    init(_ kind: Kind, using random: inout CounterRandom) {
        self.kind = kind
        strength = random.uniform(in: 0.2...0.42)
        rotation = random.uniform(in: 0...Double.pi)
        stretch = random.uniform(in: 1...1.3).squareRoot()
        switch kind {
        case .spiculated:
            let count = 7 + random.integer(below: 4)
            spikes = (0..<count).map { (Double($0) + random.uniform(in: -0.25...0.25)) * 2 * .pi / Double(count) }
        case .calcification:
            for _ in 0..<8 + random.integer(below: 5) {
                let (angle, distance) = (random.uniform(in: 0...2 * .pi), 0.9 * random.uniform().squareRoot())
                dots.append(SIMD2(cos(angle), sin(angle)) * distance)
            }
        case .nodule, .cyst, .ring, .target:
            break
        }
    }

    /// The brightness that the lesion adds at `place`, in units of its radius from its centre; 0 beyond 1.2.
    func brightness(at place: SIMD2<Double>) -> Double {
        let (x, y, distance) = onEllipse(place)
        return distance > 1.2 ? 0 : strength * pattern(x, y, distance)
    }

    /// Whether `place` is inside the lesion's outline: an ellipse that holds all of its pattern but the tips of spikes.
    func covers(_ place: SIMD2<Double>) -> Bool { onEllipse(place).distance <= 1 }

    /// The place on a circle of the same area, when the ellipse is turned by `rotation`.
    private func onEllipse(_ place: SIMD2<Double>) -> (x: Double, y: Double, distance: Double) {
        let x = (place.x * cos(rotation) + place.y * sin(rotation)) * stretch
        let y = (place.y * cos(rotation) - place.x * sin(rotation)) / stretch
        return (x, y, (x * x + y * y).squareRoot())
    }

    private func pattern(_ x: Double, _ y: Double, _ distance: Double) -> Double {
        switch kind {
        case .nodule:
            return 1 - smoothStep(0.5, 0.95, distance)
        case .cyst:
            return bump(distance, at: 0.85, width: 0.12) - 0.9 * (1 - smoothStep(0.62, 0.8, distance))
        case .spiculated:
            let angle = atan2(y, x)
            let spike =
                spikes.map { spike in
                    let turn = (angle - spike).remainder(dividingBy: 2 * .pi)
                    return abs(turn) < .pi / 2 ? bump(distance * sin(turn), at: 0, width: 0.08) : 0
                }.max() ?? 0
            return max(1 - smoothStep(0.25, 0.45, distance), spike * (1 - smoothStep(0.7, 1.1, distance)))
        case .calcification:
            return 1.5 * (dots.map { bump(x - $0.x, at: 0, width: 0.1) * bump(y - $0.y, at: 0, width: 0.1) }.max() ?? 0)
        case .ring:
            return bump(distance, at: 0.78, width: 0.16)
        case .target:
            let halo = smoothStep(0.3, 0.45, distance) * (1 - smoothStep(0.8, 1, distance))
            return bump(distance, at: 0, width: 0.3) - 0.8 * halo
        }
    }
}

/// 0 up to `low`, 1 from `high` on, smooth between them.
func smoothStep(_ low: Double, _ high: Double, _ x: Double) -> Double {
    let t = max(0, min(1, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)
}

/// A bell of height 1 around `center`.
func bump(_ x: Double, at center: Double, width: Double) -> Double {
    let t = (x - center) / width
    return exp(-t * t)
}
