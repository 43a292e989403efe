extension Configuration {
    /// The models that go by a name, largest last.
    public static let presets: [(name: String, configuration: Configuration)] = [
        ("demo", .demo), ("tiny", .tiny), ("small", .small), ("base", .base), ("large", .large), ("huge", .huge),
    ]

    /// The preset of a name, such as `base`.
    public static func preset(_ name: String) -> Configuration? { presets.first { $0.name == name }?.configuration }

    /// Images of 64 pixels; trains on a laptop in minutes.
    public static let demo = Configuration(image: 64, patch: 8, encoder: (96, 4, 4), decoder: (64, 2, 4))
    public static let tiny = Configuration(encoder: (192, 12, 3), decoder: (128, 4, 4))
    public static let small = Configuration(encoder: (384, 12, 6), decoder: (256, 4, 8))
    /// ViT-B/16, the model of the paper.
    public static let base = Configuration(encoder: (768, 12, 12), decoder: (512, 8, 16))
    /// ViT-L/16.
    public static let large = Configuration(encoder: (1024, 24, 16), decoder: (512, 8, 16))
    /// ViT-H/14.
    public static let huge = Configuration(patch: 14, encoder: (1280, 32, 16), decoder: (512, 8, 16))

    /// Encoder and decoder by dimension, depth and heads.
    private init(image: Int = 224, patch: Int = 16, encoder: (Int, Int, Int), decoder: (Int, Int, Int)) {
        self.init()
        self.image = image
        self.patch = patch
        (dim, depth, heads) = encoder
        (decoderDim, decoderDepth, decoderHeads) = decoder
    }
}
