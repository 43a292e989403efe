#include "image_codecs.h"

#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

static int fail(tjhandle decoder, char *message) {
    snprintf(message, APUS_MESSAGE_SIZE, "%s", tjGetErrorStr2(decoder));
    if (decoder != NULL) tjDestroy(decoder);
    return -1;
}

/// Whether the last message is a warning that leaves all pixels right. The library's error code does not tell: an
/// error that follows a warning counts as a warning too.
static int harmless(tjhandle decoder) {
    static const char *const warnings[] = {
        "extraneous bytes",            // between two segments
        "Adobe color transform code",  // unknown, taken as the usual one
        "JFIF revision number",        // unknown, read as the known ones
        "progression sequence",        // scans in an unusual order
        "SOS parameters for sequential",
    };
    const char *message = tjGetErrorStr2(decoder);
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        if (strstr(message, warnings[i]) != NULL) return 1;
    }
    return 0;
}

int apus_jpeg_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *channels, char *message) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return fail(NULL, message);
    int width = 0, height = 0, subsampling = -1, colors = -1;
    // The status is not looked at: an unusual chroma subsampling is an error here, but not to the decoding.
    tjDecompressHeader3(decoder, bytes, count, &width, &height, &subsampling, &colors);
    if (width < 1 || height < 1 || colors < 0) return fail(decoder, message);
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
    if (status != 0 && !harmless(decoder)) return fail(decoder, message);
    tjDestroy(decoder);
    return 0;
}
