#include "image_codecs.h"

#include <stdio.h>
#include <webp/decode.h>

static int fail(VP8StatusCode status, char *message) {
    const char *reason = status == VP8_STATUS_OUT_OF_MEMORY     ? "out of memory"
                         : status == VP8_STATUS_NOT_ENOUGH_DATA ? "the file ends too early"
                                                                : "its bitstream is not valid";
    snprintf(message, APUS_MESSAGE_SIZE, "%s", reason);
    return -1;
}

int apus_webp_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *is_animated, char *message) {
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK) return fail(status, message);
    size->width = (uint32_t)features.width;
    size->height = (uint32_t)features.height;
    *is_animated = features.has_animation;
    return 0;
}

int apus_webp_decode(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgb, char *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        snprintf(message, APUS_MESSAGE_SIZE, "libwebp is of another version than it was built for");
        return -1;
    }
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgb;
    config.output.u.RGBA.stride = (int)size.width * 3;
    config.output.u.RGBA.size = (size_t)size.width * size.height * 3;
    VP8StatusCode status = WebPDecode(bytes, count, &config);
    return status == VP8_STATUS_OK ? 0 : fail(status, message);
}
