// Decoding of PNG and JPEG from memory into 8-bit RGB, and encoding of 8-bit PNG.
//
// The functions hold nothing between calls and may be called from any thread. They return 0 on success;
// otherwise a text lies in `message`, which has room for APUS_MESSAGE_SIZE bytes, and everything that was
// taken has been given back. libpng reports errors by longjmp: that jump never leaves this shim.
#ifndef APUS_IMAGE_CODECS_H
#define APUS_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

#define APUS_MESSAGE_SIZE 256

typedef struct {
    uint32_t width;
    uint32_t height;
} apus_image_size;

/// Reads the size from a PNG's header, and whether it is grey (with or without transparency) with 16 bits a sample; allocates
/// nothing that depends on it.
int apus_png_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *is_grey16, char *message);

/// Decodes a grey PNG of 16 bits into `samples`, which has room for width * height * 2 bytes: one number for each pixel, in the
/// machine's byte order, without its transparency.
int apus_png_decode_grey16(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *samples, char *message);

/// Decodes a whole PNG into `rgb`, which has room for width * height * 3 bytes of the size read before.
int apus_png_decode(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgb, char *message);

/// Decodes a whole PNG into `rgba`, which has room for width * height * 4 bytes: with its transparency, or with none.
int apus_png_decode_rgba(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgba, char *message);

/// Reads the size from a JPEG's header; allocates nothing that depends on it. `channels` is how many bytes
/// per pixel the decoding gives: 3 (RGB) or 4 (CMYK as stored, with Adobe's inversion).
int apus_jpeg_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *channels, char *message);

/// Decodes a whole JPEG into `pixels`, which has room for width * height * channels bytes.
int apus_jpeg_decode(const uint8_t *bytes, size_t count, apus_image_size size, int channels, uint8_t *pixels,
                     char *message);

/// How many bytes a PNG of this size can take at most; `channels` is 1 (grey) or 3 (RGB).
size_t apus_png_bound(apus_image_size size, int channels);

/// Encodes an 8-bit image into `png`; `count` holds the room there before and the bytes used after the call.
int apus_png_encode(const uint8_t *pixels, apus_image_size size, int channels, uint8_t *png, size_t *count,
                    char *message);

#endif
