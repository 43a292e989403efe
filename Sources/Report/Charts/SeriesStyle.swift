/// How one series is told from the others: by colour, and by dash and shape where colour is not seen.
public struct SeriesStyle: Hashable, Sendable {
    /// Which colour of the palette.
    public var colour: Int
    /// Which dash pattern; 0 is solid.
    public var dash: Int
    /// Which shape its points have.
    public var shape: Int

    public init(colour: Int, dash: Int = 0, shape: Int = 0) {
        (self.colour, self.dash, self.shape) = (colour, dash, shape)
    }

    /// The style of the series of a number: no two below 40 are alike, and neighbours differ in everything.
    public static func numbered(_ number: Int) -> SeriesStyle {
        SeriesStyle(
            colour: number % Palette.count, dash: (number + number / Palette.count) % dashes.count, shape: number % 7)
    }

    /// Lengths of dashes and gaps.
    static let dashes = ["", "6 3", "2 2.5", "9 3 2 3", "12 4"]

    var dashAttribute: String {
        let pattern = Self.dashes[dash % Self.dashes.count]
        return pattern.isEmpty ? "" : " stroke-dasharray=\"\(pattern)\""
    }

    /// The outline of a point around (x, y), of about the same area for every shape.
    func shapePath(x: Double, y: Double, radius: Double) -> String {
        func polygon(_ corners: [(Double, Double)]) -> String {
            "M"
                + corners.map { "\(coordinate(x + $0.0 * radius)) \(coordinate(y + $0.1 * radius))" }.joined(
                    separator: "L") + "Z"
        }
        switch shape % 7 {
        case 0:
            let r = coordinate(radius)
            return
                "M\(coordinate(x - radius)) \(coordinate(y))a\(r) \(r) 0 1 0 \(coordinate(2 * radius)) 0a\(r) \(r) 0 1 0 \(coordinate(-2 * radius)) 0Z"
        case 1: return polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
        case 2: return polygon([(0, -1.25), (1.15, 0.85), (-1.15, 0.85)])
        case 3: return polygon([(0, -1.35), (1.2, 0), (0, 1.35), (-1.2, 0)])
        case 4: return polygon([(0, 1.25), (1.15, -0.85), (-1.15, -0.85)])
        case 5:
            let (a, b) = (0.42, 1.25)
            return polygon([
                (-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a), (-b, -a),
                (-a, -a),
            ])
        default:
            let (a, b) = (0.55, 1.1)
            return polygon([
                (-b, -b + 0.001), (-b + a, -b), (0, -a), (b - a, -b), (b, -b), (a, 0), (b, b), (b - a, b), (0, a),
                (-b + a, b), (-b, b), (-a, 0),
            ])
        }
    }
}

/// The colours of series, chosen so that people with any kind of colour vision tell them apart (Okabe and Ito 2008).
enum Palette {
    /// On white paper: blue, vermilion, green, purple, orange, sky blue, brown, grey.
    static let light = ["#0072b2", "#d55e00", "#00875f", "#b4578f", "#b87a00", "#3a9bd6", "#7a4b1e", "#5c6670"]
    /// The same hues on a dark screen.
    static let dark = ["#56b4e9", "#ff8a4a", "#2fc79a", "#e29ac6", "#f0b429", "#9ad4f5", "#c89a6a", "#aab4be"]
    static let count = 8
}
