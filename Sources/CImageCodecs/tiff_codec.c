#include "image_codecs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

struct apus_tiff {
    TIFF *file;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    int ended;                        // whether more was asked for than there is
    char message[APUS_MESSAGE_SIZE];  // the first error since the last call; empty if there was none
};

static tmsize_t read_bytes(thandle_t handle, void *target, tmsize_t count) {
    apus_tiff *tiff = handle;
    size_t left = tiff->position < tiff->count ? tiff->count - tiff->position : 0;
    size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(target, tiff->bytes + tiff->position, taken);
    tiff->position += taken;
    if (taken < (size_t)count) tiff->ended = 1;
    return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *source, tmsize_t count) {
    (void)handle;
    (void)source;
    (void)count;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    apus_tiff *tiff = handle;
    toff_t base = whence == SEEK_CUR ? tiff->position : whence == SEEK_END ? tiff->count : 0;
    // What lies behind the end has no bytes.
    tiff->position = base + offset > tiff->count ? tiff->count : (size_t)(base + offset);
    return tiff->position;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) { return ((apus_tiff *)handle)->count; }

static int keep_error(TIFF *file, void *handle, const char *module, const char *format, va_list arguments) {
    (void)file;
    (void)module;
    apus_tiff *tiff = handle;
    if (tiff->message[0] == 0) vsnprintf(tiff->message, sizeof tiff->message, format, arguments);
    return 1;
}

static int ignore_warning(TIFF *file, void *handle, const char *module, const char *format, va_list arguments) {
    (void)file;
    (void)handle;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static int fail(const apus_tiff *tiff, const char *otherwise, char *message) {
    snprintf(message, APUS_MESSAGE_SIZE, "%s", tiff->message[0] != 0 ? tiff->message : otherwise);
    return -1;
}

static void describe(TIFF *file, apus_tiff_layout *layout) {
    memset(layout, 0, sizeof *layout);
    uint16_t planar = PLANARCONFIG_CONTIG, extra_count = 0, *extra = NULL;
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &layout->size.width);
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &layout->size.height);
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &layout->photometric);
    TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &layout->compression);
    TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &layout->sample_format);
    TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &layout->orientation);
    TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
    layout->has_planes = planar == PLANARCONFIG_SEPARATE && layout->samples > 1;
    layout->alpha_is_multiplied = extra_count > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA;
    layout->is_only_page = TIFFLastDirectory(file);
    layout->is_configured = TIFFIsCODECConfigured(layout->compression);
    if (layout->photometric == PHOTOMETRIC_YCBCR && layout->compression == COMPRESSION_JPEG && !layout->has_planes) {
        TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        layout->photometric = PHOTOMETRIC_RGB;
    }
    if (layout->photometric == PHOTOMETRIC_PALETTE) {
        uint16_t *red = NULL, *green = NULL, *blue = NULL;
        TIFFGetField(file, TIFFTAG_COLORMAP, &red, &green, &blue);
        layout->palette[0] = red;
        layout->palette[1] = green;
        layout->palette[2] = blue;
    }
    layout->is_tiled = TIFFIsTiled(file);
    if (layout->is_tiled) {
        TIFFGetField(file, TIFFTAG_TILEWIDTH, &layout->block_width);
        TIFFGetField(file, TIFFTAG_TILELENGTH, &layout->block_height);
        layout->row_bytes = TIFFTileRowSize64(file);
    } else {
        TIFFGetFieldDefaulted(file, TIFFTAG_ROWSPERSTRIP, &layout->block_height);
        if (layout->block_height > layout->size.height) layout->block_height = layout->size.height;
        layout->block_width = layout->size.width;
        layout->row_bytes = TIFFScanlineSize64(file);
    }
}

apus_tiff *apus_tiff_open(const uint8_t *bytes, size_t count, apus_tiff_layout *layout, char *message) {
    apus_tiff *tiff = calloc(1, sizeof *tiff);
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (tiff == NULL || options == NULL) {
        snprintf(message, APUS_MESSAGE_SIZE, "out of memory");
        free(tiff);
        if (options != NULL) TIFFOpenOptionsFree(options);
        return NULL;
    }
    tiff->bytes = bytes;
    tiff->count = count;
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, tiff);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, NULL);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)1 << 30);
    // "m": the bytes are read, not mapped.
    tiff->file = TIFFClientOpenExt("image", "rm", tiff, read_bytes, write_bytes, seek, close_nothing, size_of, NULL,
                                   NULL, options);
    TIFFOpenOptionsFree(options);
    if (tiff->file == NULL) {
        fail(tiff, "no directory can be read", message);
        free(tiff);
        return NULL;
    }
    describe(tiff->file, layout);
    // The library passes over the loss of the last bytes of a directory.
    if (tiff->ended) {
        snprintf(message, APUS_MESSAGE_SIZE, "the file ends too early");
        apus_tiff_close(tiff);
        return NULL;
    }
    return tiff;
}

int apus_tiff_read(apus_tiff *tiff, uint32_t x, uint32_t y, uint16_t plane, uint8_t *block, size_t count,
                   char *message) {
    tiff->message[0] = 0;
    tmsize_t wanted = (tmsize_t)count;
    tmsize_t taken = TIFFIsTiled(tiff->file)
                         ? TIFFReadEncodedTile(tiff->file, TIFFComputeTile(tiff->file, x, y, 0, plane), block, wanted)
                         : TIFFReadEncodedStrip(tiff->file, TIFFComputeStrip(tiff->file, y, plane), block, wanted);
    if (taken != wanted || tiff->ended || tiff->message[0] != 0) {
        return fail(tiff, "a part of the image is too short", message);
    }
    return 0;
}

void apus_tiff_close(apus_tiff *tiff) {
    TIFFClose(tiff->file);
    free(tiff);
}
