import Apus

/// A head of SETR-PUP (Zheng et al. 2021): four stages of convolution, batch normalisation and ReLU, after each of
/// which the map is enlarged, then a convolution to the scores.
///
/// Names are the public code's: `UP_stage_1.0` to `UP_stage_4.0` and `cls_seg` are convolutions, `UP_stage_1.1` to
/// `UP_stage_4.1` normalisations.
///
/// *Shapes*: [batch, grid, grid, dim] -> [batch, side, side, classes], channels last.
struct UpsamplingHead: Layer {
    let configuration: SegmentationConfiguration

    var body: some Layer {
        let width = configuration.headWidth, sides = configuration.stageSides
        for stage in sides.indices {
            Sequential {
                // A stage begins with the enlargement that the one before ends with: nobody else reads the enlarged
                // map.
                convolution(
                    stage == 0 ? configuration.encoder.dim : width, width, to: stage == 0 ? nil : sides[stage - 1])
                BatchNorm(
                    width, axis: 3, epsilon: configuration.batchNormEpsilon, momentum: configuration.batchNormMomentum)
                ReLU()
            }.named("UP_stage_\(stage + 1)")
        }
        convolution(width, configuration.classes, to: sides[sides.count - 1]).named("cls_seg")
    }

    private func convolution(_ input: Int, _ output: Int, to side: Int?) -> UpsampledConv2D {
        UpsampledConv2D(input, output, kernel: 3, height: side, width: side)
    }
}
