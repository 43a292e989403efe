import Apus

extension TorchCase {
    static let all: [TorchCase] = layers + images + activations + attentions + recurrent + functions + losses

    private static let layers: [TorchCase] = [
        .layer("linear") { Linear(5, 7) },
        .layer("linear_plain") { Linear(4, 6, bias: false) },
        .inputs("bilinear") { x in Bilinear(3, 4, 5)(x[0], x[1]) },
        .inputs("bilinear_plain") { x in Bilinear(2, 3, 4, bias: false)(x[0], x[1]) },
        .layer("embedding") { Embedding(9, 5) },
        .inputs("embedding_tied") { x in
            let embedding = Embedding(7, 4).named("embedding")
            return Linear(tiedTo: embedding).named("head")(tanh(embedding(x[0])))
        },
        .inputs("embedding_tied_plain") { x in
            let embedding = Embedding(7, 4).named("embedding")
            return Linear(tiedTo: embedding, bias: false)(tanh(embedding(x[0])))
        },
        .layer("conv1d") { Conv1D(3, 4, kernel: 3, padding: 1) },
        .layer("conv1d_dilated") { Conv1D(4, 6, kernel: 3, stride: 2, padding: 2, dilation: 2, groups: 2) },
        .layer("conv2d") { Conv2D(3, 5, kernel: 3, padding: 1) },
        .layer("conv2d_strided") {
            Conv2D(2, 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0], bias: false)
        },
        .layer("conv2d_patches") { Conv2D(3, 4, kernel: 2, stride: 2) },
        .layer("conv2d_point") { Conv2D(3, 4, kernel: 1) },
        .layer("conv2d_grouped") { Conv2D(4, 6, kernel: 3, padding: 1, groups: 2) },
        .layer("conv2d_depthwise") { Conv2D(4, 4, kernel: 3, stride: 2, padding: 1, groups: 4) },
        .layer("conv2d_multiplier") { Conv2D(3, 6, kernel: 3, padding: 2, dilation: 2, groups: 3) },
        .layer("conv3d") { Conv3D(2, 3, kernel: [2, 3, 1], stride: [1, 2, 1], padding: [0, 1, 0]) },
        .layer("conv_transpose1d") { ConvTranspose1D(3, 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1) },
        .layer("conv_transpose2d") { ConvTranspose2D(3, 5, kernel: 3, stride: 2, padding: 1) },
        .layer("conv_transpose2d_tiles") { ConvTranspose2D(4, 3, kernel: 2, stride: 2) },
        .layer("conv_transpose2d_grouped") {
            ConvTranspose2D(
                4, 6, kernel: [3, 2], stride: [2, 3], padding: [2, 0], outputPadding: [1, 2], dilation: [2, 1],
                groups: 2)
        },
        .layer("conv_transpose2d_cut") { ConvTranspose2D(2, 3, kernel: 2, padding: 2) },
        .layer("conv_transpose3d") { ConvTranspose3D(2, 3, kernel: 2, stride: 2, bias: false) },
        .layer("batch_norm") { BatchNorm(3) },
        .layer("batch_norm_rows") { BatchNorm(5, momentum: 0.3, affine: false) },
        .layer("layer_norm") { LayerNorm(7) },
        .layer("layer_norm_axes") { LayerNorm([3, 4, 2]) },
        .layer("rms_norm") { RMSNorm(6) },
        .layer("group_norm") { GroupNorm(groups: 2, 6) },
        .layer("group_norm_images") { GroupNorm(groups: 3, 3, epsilon: 1e-3, affine: false) },
        .layer("instance_norm") { InstanceNorm(4) },
        .layer("instance_norm_affine") { InstanceNorm(3, affine: true) },
    ]

    private static let images: [TorchCase] = [
        .layer("max_pool1d") { MaxPool1D(3, stride: 2, padding: 1) },
        .layer("max_pool2d") { MaxPool2D(3, stride: 2, padding: 1) },
        .layer("max_pool2d_dilated") { MaxPool2D([2, 3], stride: [1, 2], padding: [1, 0], dilation: [2, 1]) },
        .layer("max_pool3d") { MaxPool3D(2) },
        .layer("avg_pool1d") { AvgPool1D(3, stride: 2, padding: 1) },
        .layer("avg_pool2d") { AvgPool2D(2) },
        .layer("avg_pool2d_inside") { AvgPool2D([3, 4], stride: 2, padding: [1, 2], countsPadding: false) },
        .layer("avg_pool3d") { AvgPool3D([1, 2, 3], padding: [0, 1, 1]) },
        .layer("max_pool1d_ceil") { MaxPool1D(3, stride: 2, ceilMode: true) },
        .layer("max_pool2d_ceil") { MaxPool2D(2, stride: 2, padding: 1, ceilMode: true) },
        .layer("max_pool2d_ceil_dilated") {
            MaxPool2D([3, 2], stride: [3, 2], padding: [1, 0], dilation: [1, 3], ceilMode: true)
        },
        .layer("max_pool2d_ceil_large") { MaxPool2D(5, stride: 3, padding: 2, ceilMode: true) },
        .layer("max_pool2d_ceil_small") { MaxPool2D(3, stride: 4, ceilMode: true) },
        .layer("max_pool3d_ceil") { MaxPool3D(2, stride: [2, 3, 1], ceilMode: true) },
        .layer("avg_pool1d_ceil") { AvgPool1D(3, stride: 2, padding: 1, ceilMode: true) },
        .layer("avg_pool2d_ceil") { AvgPool2D(3, stride: 2, ceilMode: true) },
        .layer("avg_pool2d_ceil_padded") { AvgPool2D([3, 4], stride: [2, 3], padding: [1, 2], ceilMode: true) },
        .layer("avg_pool2d_ceil_inside") {
            AvgPool2D([3, 4], stride: [2, 3], padding: [1, 2], countsPadding: false, ceilMode: true)
        },
        .layer("avg_pool3d_ceil") { AvgPool3D([2, 2, 3], stride: [2, 3, 2], padding: [0, 1, 1], ceilMode: true) },
        .layer("adaptive_avg_pool2d") { AdaptiveAvgPool2D([3, 4]) },
        .layer("adaptive_avg_pool2d_even") { AdaptiveAvgPool2D(2) },
        .layer("adaptive_avg_pool2d_one") { AdaptiveAvgPool2D(1) },
        .layer("adaptive_avg_pool1d_up") { AdaptiveAvgPool1D(7) },
        .layer("adaptive_max_pool2d") { AdaptiveMaxPool2D([3, 2]) },
        .layer("upsample_nearest") { Upsample(factor: 2) },
        .layer("upsample_nearest_odd") { Upsample(size: [5, 11]) },
        .layer("downsample_nearest") { Upsample(size: [2, 3]) },
        .layer("upsample_bilinear") { Upsample(size: [7, 9], mode: .linear()) },
        .layer("upsample_bilinear_corners") { Upsample(size: [7, 9], mode: .linear(alignCorners: true)) },
        .layer("downsample_bilinear") { Upsample(size: [2, 3], mode: .linear()) },
        .layer("upsample_linear") { Upsample(size: 9, mode: .linear()) },
        .layer("upsample_trilinear") { Upsample(size: [3, 5, 4], mode: .linear()) },
        .layer("pixel_shuffle") { PixelShuffle(3) },
        .layer("pixel_unshuffle") { PixelUnshuffle(2) },
    ]

    private static let activations: [TorchCase] = [
        .layer("relu") { ReLU() }, .layer("relu6") { ReLU6() }, .layer("sigmoid") { Sigmoid() },
        .layer("logsigmoid") { LogSigmoid() }, .layer("silu") { SiLU() }, .layer("mish") { Mish() },
        .layer("selu") { SELU() }, .layer("softsign") { Softsign() }, .layer("tanhshrink") { Tanhshrink() },
        .layer("hardsigmoid") { Hardsigmoid() }, .layer("hardswish") { Hardswish() },
        .layer("gelu") { GELU() }, .layer("softplus") { Softplus() }, .layer("elu") { ELU() },
        .layer("celu") { CELU() }, .layer("leaky_relu") { LeakyReLU() },
        .layer("hardshrink") { Hardshrink() }, .layer("softshrink") { Softshrink() },
        .layer("hardtanh") { Hardtanh() }, .layer("tanh") { Tanh() }, .layer("gelu_tanh") { GELUTanh() },
        .layer("elu_alpha") { ELU(alpha: 0.7) }, .layer("celu_alpha") { CELU(alpha: 1.7) },
        .function("softplus_beta") { softplus($0, beta: 2) },
        .function("wide") { softplus($0) + logSigmoid($0) + elu($0) },
        .layer("prelu") { PReLU() }, .layer("prelu_channels") { PReLU(channels: 4) },
        .layer("glu") { GLU(axis: 1) }, .layer("log_softmax") { LogSoftmax() },
    ]

    private static let attentions: [TorchCase] = [
        .inputs("attention") { x in attention(queries: x[0], keys: x[1], values: x[2]) },
        .inputs("attention_causal") { x in
            attention(queries: x[0], keys: x[1], values: x[2], masks: [.causal])
        },
        .inputs("attention_grouped") { x in attention(queries: x[0], keys: x[1], values: x[2]) },
        .inputs("attention_lengths") { x in
            attention(queries: x[0], keys: x[1], values: x[2], masks: [.lengths(x[3])])
        },
        .inputs("attention_added") { x in
            attention(queries: x[0], keys: x[1], values: x[2], masks: [.added(x[3])])
        },
        .inputs("attention_nothing") { x in
            attention(queries: x[0], keys: x[1], values: x[2], masks: [.lengths(x[3])])
        },
        .layer("multihead") { MultiheadAttention(8, heads: 2) },
        .layer("multihead_causal") { MultiheadAttention(6, heads: 3, bias: false, masks: [.causal]) },
        .inputs("multihead_memory") { x in MultiheadAttention(8, heads: 4, memory: x[1])(x[0]) },
    ]

    private static let recurrent: [TorchCase] = [
        .layer("rnn") { RNN(3, 4) }, .layer("gru") { GRU(3, 4) }, .layer("lstm") { LSTM(3, 4) },
        .layer("rnn_deep") { RNN(5, 3, layers: 2, bidirectional: true) },
        .layer("gru_deep") { GRU(5, 3, layers: 2, bidirectional: true) },
        .layer("lstm_deep") { LSTM(5, 3, layers: 2, bidirectional: true) },
        .layer("rnn_plain") { RNN(2, 3, bias: false) }, .layer("gru_plain") { GRU(2, 3, bias: false) },
        .layer("lstm_plain") { LSTM(2, 3, bias: false) },
        .inputs("lstm_state") { x in
            concatenate(LSTM(3, 4).run(x[0], from: [[x[1], x[2]]]).states[0].map { $0.reshape([-1]) }, axis: 0)
        },
    ]
}
