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

/// Libraries that tell no version: the name, the size and the time of the file that a function of theirs is in.
static void file_version(const void *function, char *text, size_t room) {
    Dl_info library;
    struct stat status;
    char path[PATH_MAX];
    text[0] = 0;
    if (function == NULL || dladdr(function, &library) == 0 || realpath(library.dli_fname, path) == NULL) return;
    const char *slash = strrchr(path, '/');
    if (stat(path, &status) != 0) return;
    snprintf(text, room, "%s %lld %lld", slash == NULL ? path : slash + 1, (long long)status.st_size,
             (long long)status.st_mtime);
}

void apus_codec_versions(char *text, size_t room) {
    char jpeg[512], jpeg_of_tiff[512];
    file_version((void *)tjDecompress2, jpeg, sizeof jpeg);
    file_version(dlsym(RTLD_DEFAULT, "jpeg_read_scanlines"), jpeg_of_tiff, sizeof jpeg_of_tiff);
    // The first line of libtiff's text has its version.
    const char *tiff = TIFFGetVersion();
    snprintf(text, room, "png %lu, jpeg %s, tiff %.*s with %s, webp %d", (unsigned long)png_access_version_number(),
             jpeg, (int)strcspn(tiff, "\n"), tiff, jpeg_of_tiff, WebPGetDecoderVersion());
}
