import Apus

/// Cuts images [batch, channels, side, side] into patches [batch, patches, patch · patch · channels], channels
/// innermost.
func patches(of images: Tensor, _ configuration: Configuration) -> Tensor {
    let (batch, grid, patch, channels) = (
        images.shape[0], configuration.grid, configuration.patch, configuration.channels
    )
    return images.reshape([batch, channels, grid, patch, grid, patch])
        .transpose([0, 2, 4, 3, 5, 1])
        .reshape([batch, configuration.tokens, configuration.patchSize])
}

/// Each patch with mean 0 and variance 1; the variance is the unbiased one, as in the public code.
func normalizedPatches(_ patches: Tensor) -> Tensor {
    let count = Double(patches.shape[patches.rank - 1])
    let centred = patches - mean(patches, axes: [-1], keepAxes: true)
    let variance = sum(centred * centred, axes: [-1], keepAxes: true) * (1 / max(count - 1, 1))
    return centred / sqrt(variance + 1e-6)
}
