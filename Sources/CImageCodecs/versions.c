#define _GNU_SOURCE  // dladdr

#include "image_codecs.h"

#include <dlfcn.h>
#include <limits.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffio.h>
#include <turbojpeg.h>
#include <webp/decode.h>

/// TurboJPEG tells no version: the name and the size of its file do.
static void jpeg_version(char *text, size_t room) {
    Dl_info library;
    struct stat status;
    char path[PATH_MAX];
    text[0] = 0;
    if (dladdr((void *)tjDecompress2, &library) == 0 || realpath(library.dli_fname, path) == NULL) return;
    const char *slash = strrchr(path, '/');
    if (stat(path, &status) != 0) return;
    snprintf(text, room, "%s %lld", slash == NULL ? path : slash + 1, (long long)status.st_size);
}

void apus_codec_versions(char *text, size_t room) {
    char jpeg[512];
    jpeg_version(jpeg, sizeof jpeg);
    // The first line of libtiff's text has its version.
    const char *tiff = TIFFGetVersion();
    snprintf(text, room, "png %lu, jpeg %s, tiff %.*s, webp %d", (unsigned long)png_access_version_number(), jpeg,
             (int)strcspn(tiff, "\n"), tiff, WebPGetDecoderVersion());
}
