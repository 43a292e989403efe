#include "image_codecs.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
} byte_source;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    byte_source *source = png_get_io_ptr(png);
    if (count > source->count - source->position) png_error(png, "the file ends too early");
    memcpy(target, source->bytes + source->position, count);
    source->position += count;
}

static void keep_message(png_structp png, png_const_charp text) {
    snprintf(png_get_error_ptr(png), APUS_MESSAGE_SIZE, "%s", text);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static png_structp make_reader(png_infop *info, char *message) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, keep_message, ignore_warning);
    if (png == NULL) {
        snprintf(message, APUS_MESSAGE_SIZE, "libpng could not be started");
        return NULL;
    }
    *info = png_create_info_struct(png);
    if (*info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        snprintf(message, APUS_MESSAGE_SIZE, "out of memory");
        return NULL;
    }
    // The caller has its own limits on the size and says so in its own words.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Texts and other extras, which nobody reads, are passed over (1 means none): kept, each of a thousand compressed
    // ones could become 8 MB.
    png_set_chunk_cache_max(png, 1);
#ifdef PNG_MAXIMUM_INFLATE_WINDOW
    // Some writers announce a smaller window of the compression than they use: it is taken as the largest one.
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
#endif
    return png;
}

int apus_png_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *is_grey16, char *message) {
    byte_source source = {bytes, count, 0};
    png_infop info = NULL;
    png_structp png = make_reader(&info, message);
    if (png == NULL) return -1;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return -1;
    }
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    size->width = png_get_image_width(png, info);
    size->height = png_get_image_height(png, info);
    *is_grey16 = png_get_bit_depth(png, info) == 16 && (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) == 0;
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

/// Every kind becomes 8-bit RGB: 16 bits keep their high byte, transparency is dropped.
static void to_rgb(png_structp png) {
    png_set_strip_16(png);
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
}

/// Samples of 16 bits stay, in the machine's byte order; transparency is dropped.
static void to_grey16(png_structp png) {
    png_set_strip_alpha(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    png_set_swap(png);
#endif
}

/// 8-bit RGB with transparency; where a PNG has none, all is opaque.
static void to_rgba(png_structp png) {
    png_set_strip_16(png);
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
}

static int decode(const uint8_t *bytes, size_t count, apus_image_size size, void (*convert)(png_structp), size_t pixel_bytes,
                  uint8_t *pixels, char *message) {
    byte_source source = {bytes, count, 0};
    png_infop info = NULL;
    png_structp png = make_reader(&info, message);
    if (png == NULL) return -1;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return -1;
    }
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    convert(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);

    size_t row_bytes = (size_t)size.width * pixel_bytes;
    if (png_get_image_width(png, info) != size.width || png_get_image_height(png, info) != size.height ||
        png_get_rowbytes(png, info) != row_bytes) {
        png_error(png, "the pixel layout is not supported");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < size.height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
    }
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

int apus_png_decode(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgb, char *message) {
    return decode(bytes, count, size, to_rgb, 3, rgb, message);
}

int apus_png_decode_rgba(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgba, char *message) {
    return decode(bytes, count, size, to_rgba, 4, rgba, message);
}

int apus_png_decode_grey16(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *samples, char *message) {
    return decode(bytes, count, size, to_grey16, 2, samples, message);
}

static png_image describe(apus_image_size size, int channels) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = size.width;
    image.height = size.height;
    image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    return image;
}

size_t apus_png_bound(apus_image_size size, int channels) {
    png_image image = describe(size, channels);
    return PNG_IMAGE_PNG_SIZE_MAX(image);
}

int apus_png_encode(const uint8_t *pixels, apus_image_size size, int channels, uint8_t *png, size_t *count,
                    char *message) {
    png_image image = describe(size, channels);
    png_alloc_size_t used = *count;
    if (!png_image_write_to_memory(&image, png, &used, 0, pixels, 0, NULL)) {
        snprintf(message, APUS_MESSAGE_SIZE, "%s", image.message);
        return -1;
    }
    *count = used;
    return 0;
}
