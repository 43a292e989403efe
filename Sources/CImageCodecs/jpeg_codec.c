#include "image_codecs.h"

#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

static int fail(tjhandle decoder, char *message) {
    snprintf(message, APUS_MESSAGE_SIZE, "%s", tjGetErrorStr2(decoder));
    if (decoder != NULL) tjDestroy(decoder);
    return -1;
}

/// Whether the last warning says that pixels are wrong or missing. Stray bytes between two segments and
/// unknown revision numbers do no harm.
static int lost_pixels(tjhandle decoder) {
    const char *warning = tjGetErrorStr2(decoder);
    if (strstr(warning, "extraneous bytes") != NULL) return 0;
    return strstr(warning, "Corrupt JPEG data") != NULL || strstr(warning, "Premature end") != NULL;
}

int apus_jpeg_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *channels, char *message) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return fail(NULL, message);
    int width = 0, height = 0, subsampling = -1, colors = -1;
    int status = tjDecompressHeader3(decoder, bytes, count, &width, &height, &subsampling, &colors);
    // An unusual chroma subsampling is an error to this function but not to the decoding: the size counts.
    if ((status != 0 && tjGetErrorCode(decoder) == TJERR_FATAL && colors < 0) || width < 1 || height < 1) {
        return fail(decoder, message);
    }
    size->width = (uint32_t)width;
    size->height = (uint32_t)height;
    *channels = colors == TJCS_CMYK || colors == TJCS_YCCK ? 4 : 3;
    tjDestroy(decoder);
    return 0;
}

int apus_jpeg_decode(const uint8_t *bytes, size_t count, apus_image_size size, int channels, uint8_t *pixels,
                     char *message) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return fail(NULL, message);
    int format = channels == 4 ? TJPF_CMYK : TJPF_RGB;
    // The accurate transform and the default upsampling are what libjpeg, and so Pillow, use.
    int status = tjDecompress2(decoder, bytes, count, pixels, (int)size.width, (int)size.width * channels,
                               (int)size.height, format, TJFLAG_ACCURATEDCT);
    if (status != 0 && (tjGetErrorCode(decoder) == TJERR_FATAL || lost_pixels(decoder))) {
        return fail(decoder, message);
    }
    tjDestroy(decoder);
    return 0;
}
