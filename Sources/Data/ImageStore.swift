import Synchronization

/// Decodes images by path and keeps as many of them in memory as fit into a budget.
final class ImageStore: Sendable {
    private struct Kept {
        var images: [String: RGBImage] = [:]
        var bytes = 0
    }

    private let decoder: ImageDecoder
    private let budget: Int
    private let kept = Mutex(Kept())

    init(decoder: ImageDecoder, budget: Int) {
        self.decoder = decoder
        self.budget = budget
    }

    /// The decoded image at `path`; throws what the decoder throws.
    func image(at path: String) throws(DataError) -> RGBImage {
        if let image = kept.withLock({ $0.images[path] }) { return image }
        let image = try decoder.decode(path: path)
        kept.withLock {
            // First come, first kept: an epoch visits every image once, so that no other choice would hit more often.
            guard $0.images[path] == nil, $0.bytes + image.pixels.count <= budget else { return }
            $0.images[path] = image
            $0.bytes += image.pixels.count
        }
        return image
    }
}
