// Decoding of PNG, JPEG, TIFF and WebP from memory, and encoding of 8-bit PNG.
//
// The functions hold nothing between calls, but for an opened TIFF, and may be called from any thread. They return 0 on
// success; otherwise a text lies in `message`, which has room for APUS_MESSAGE_SIZE bytes, and everything that was
// taken has been given back. libpng reports errors by longjmp: that jump never leaves this shim.
#ifndef APUS_IMAGE_CODECS_H
#define APUS_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

#define APUS_MESSAGE_SIZE 256

/// Writes which versions of the libraries decode, as a text that is another one wherever pixels may be; cut to `room`
/// bytes with the 0 at its end.
void apus_codec_versions(char *text, size_t room);

typedef struct {
    uint32_t width;
    uint32_t height;
} apus_image_size;

/// Reads the size from a PNG's header, and whether it is grey (with or without transparency) with 16 bits a sample;
/// allocates nothing that depends on it.
int apus_png_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *is_grey16, char *message);

/// Decodes a grey PNG of 16 bits into `samples`, which has room for width * height * 2 bytes: one number for each
/// pixel, in the machine's byte order, without its transparency.
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

/// An opened TIFF, of one thread at a time.
typedef struct apus_tiff apus_tiff;

/// How the first page of a TIFF is stored, in the numbers of TIFF 6.0. A block is a strip or a tile, of one plane where
/// each sample has its own.
typedef struct {
    apus_image_size size;
    uint32_t block_width;
    uint32_t block_height;
    /// Bytes of a row of a block.
    uint64_t row_bytes;
    uint16_t bits;
    uint16_t samples;
    uint16_t sample_format;
    /// RGB also for JPEG's YCbCr, which the library turns into RGB.
    uint16_t photometric;
    uint16_t compression;
    uint16_t orientation;
    int is_tiled;
    int has_planes;
    /// Whether the first sample beside the colours is an alpha that the colours are multiplied by.
    int alpha_is_multiplied;
    int is_only_page;
    /// Whether the library knows the compression.
    int is_configured;
    /// Red, green and blue of each of 2^bits indices, owned by the opened TIFF; null where there is no palette.
    const uint16_t *palette[3];
} apus_tiff_layout;

/// Opens a TIFF, whose bytes have to stay until it is closed; null on failure.
apus_tiff *apus_tiff_open(const uint8_t *bytes, size_t count, apus_tiff_layout *layout, char *message);

/// Reads the block that holds the pixel (x, y) of a plane; `count` is row_bytes times the rows of the block, of the
/// last strip those inside of the image. Samples of 16 bits have the machine's byte order.
int apus_tiff_read(apus_tiff *tiff, uint32_t x, uint32_t y, uint16_t plane, uint8_t *block, size_t count,
                   char *message);

void apus_tiff_close(apus_tiff *tiff);

/// Reads the size from a WebP's header, and whether it is a film; allocates nothing that depends on it.
int apus_webp_size(const uint8_t *bytes, size_t count, apus_image_size *size, int *is_animated, char *message);

/// Decodes a whole WebP into `rgb`, which has room for width * height * 3 bytes; its transparency is dropped.
int apus_webp_decode(const uint8_t *bytes, size_t count, apus_image_size size, uint8_t *rgb, char *message);

#endif
