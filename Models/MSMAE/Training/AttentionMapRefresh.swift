import Apus

/// The attention maps of all images of a loader, [images, grid, grid]; nil if `shouldStop` has ended it early.
func attentionMaps(
    of loader: ImageLoader, _ program: CompiledStep, _ state: ProgramState, _ configuration: Configuration, shouldStop: () -> Bool
) throws -> [Float]? {
    let whole = ImageLoader(wholeImagesOf: loader)
    let batches = try whole.epoch(0, dropLast: false)
    let imageSize = configuration.channels * configuration.image * configuration.image
    var maps: [Float] = []
    maps.reserveCapacity(whole.items.count * configuration.tokens)
    while let batch = try batches.next() {
        if shouldStop() { return nil }
        // The program takes full batches only.
        let images = batch.images + [Float](repeating: 0, count: (whole.batchSize - batch.count) * imageSize)
        let shape = [whole.batchSize, configuration.channels, configuration.image, configuration.image]
        let report = try program.run(state, ["images": TensorData(images, shape: shape)])
        maps += report["mask_weights"]?.floats.prefix(batch.count * configuration.tokens) ?? []
    }
    return maps
}
