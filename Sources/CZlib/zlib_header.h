// Deflate, as compressed entries of zip archives have it; libpng brings the library too.
#include <zlib.h>
